import { screen, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import { emptyWorld, type World } from "@/mocks/data";
import { problem } from "@/mocks/handlers";
import { usualWorld } from "@/mocks/world";
import { job, renderApp } from "./render-app";
import { server } from "./server";

const signedOut = (world: World): World => ({ ...world, session: null });

it("asks for a sign-in, says clearly what is wrong, and then goes where one wanted to", async () => {
  const { user, at } = renderApp("/runs?state=failure", signedOut(usualWorld()));
  await screen.findByRole("heading", { name: "Sign in" });
  await user.type(screen.getByLabelText("Username or email"), "acme");
  await user.type(screen.getByLabelText("Password"), "wrong");
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("Username or password is wrong");
  await user.clear(screen.getByLabelText("Password"));
  await user.type(screen.getByLabelText("Password"), "correct horse{Enter}");
  await screen.findByRole("heading", { name: "Runs" });
  expect(at()).toBe("/runs?state=failure");
});

it("says how long to wait when there were too many attempts", async () => {
  const { user } = renderApp("/sign-in", signedOut(emptyWorld()));
  server.use(
    http.post("*/api/v1/auth/login", () =>
      HttpResponse.json(
        { type: "about:blank", title: "Too many attempts.", status: 429, code: "rate_limited" },
        { status: 429, headers: { "Content-Type": "application/problem+json", "Retry-After": "42" } },
      ),
    ),
  );
  await user.type(await screen.findByLabelText("Username or email"), "acme");
  await user.type(screen.getByLabelText("Password"), "x{Enter}");
  expect(await screen.findByRole("alert")).toHaveTextContent("Try again in 42 s");
});

it("puts the server's refusal at the field it is about", async () => {
  const { user } = renderApp("/sign-up", signedOut(emptyWorld()));
  await user.type(await screen.findByLabelText("Username"), "Not OK");
  await user.click(screen.getByRole("button", { name: "Create account" }));
  expect(await screen.findByText(/Lower-case letters/)).toBeVisible();
  expect(screen.getByText(/Enter an email address/)).toBeVisible();
  await user.clear(screen.getByLabelText("Username"));
  await user.type(screen.getByLabelText("Username"), "taken");
  await user.type(screen.getByLabelText("Email"), "a@example.com");
  await user.type(screen.getByLabelText("Password"), "long enough pw");
  await user.click(screen.getByRole("button", { name: "Create account" }));
  expect(await screen.findByText(/The username “taken” is taken/)).toBeVisible();
  expect(screen.getByLabelText("Username")).toHaveAttribute("aria-invalid", "true");
});

it("goes back to the sign-in when the session ends while one is working", async () => {
  const { at, live } = renderApp("/jobs", usualWorld());
  await screen.findByRole("link", { name: job("default/hello") });
  server.use(http.all("*/api/v1/*", () => problem(401, "unauthenticated", "Not signed in")));
  await waitFor(() => expect(live.getState()).toBe("connecting"));
  const { FakeSource } = await import("./fake-source");
  FakeSource.last.open();
  FakeSource.last.change("jobs");
  await screen.findByRole("heading", { name: "Sign in" });
  expect(at()).toContain("redirect=%2Fjobs");
});

it("signs out", async () => {
  const { user, at } = renderApp("/jobs", usualWorld());
  await user.click(await screen.findByRole("button", { name: /theme and sign out/ }));
  await user.click(await screen.findByRole("menuitem", { name: "Sign out" }));
  await screen.findByRole("heading", { name: "Sign in" });
  expect(at()).toBe("/sign-in");
});
