import { screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { expect, it } from "vitest";
import { emptyWorld, type World } from "@/mocks/data";
import { lockedWorld, usualWorld } from "@/mocks/world";
import { renderApp } from "./render-app";

const signedOut = (world: World): World => ({ ...world, session: null });

async function accessible() {
  const { violations } = await axe.run(document.body, {
    // jsdom has neither colours nor layout.
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
  });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}

it("asks for the second factor after the password, and takes the right code only", async () => {
  const { user, at } = renderApp("/sign-in?redirect=%2Fruns", lockedWorld());
  await user.type(await screen.findByLabelText("Username or email"), "acme");
  await user.type(screen.getByLabelText("Password"), "correct horse{Enter}");
  const code = await screen.findByLabelText("Code");
  await accessible();
  await user.type(code, "000000{Enter}");
  expect(await screen.findByText(/wrong or was used already/)).toBeVisible();
  await user.type(screen.getByLabelText("Code"), "123456{Enter}");
  await screen.findByRole("heading", { name: "Runs" });
  expect(at()).toBe("/runs");
});

it("offers single sign-on with where to return to, and says when it did not work", async () => {
  renderApp("/sign-in?redirect=%2Fruns&error=sso_cancelled", lockedWorld());
  const link = await screen.findByRole("link", { name: /Continue with Acme Login/ });
  expect(link).toHaveAttribute("href", "/api/v1/auth/oidc/start?return_to=%2Fruns");
  expect(screen.getByRole("alert")).toHaveTextContent("Single sign-on did not work");
});

it("has mail checked where addresses are verified, and signs in at once where they are not", async () => {
  const world = signedOut(emptyWorld());
  world.people.options = { registration: "open", email_verification: true, sso: null };
  const { user } = renderApp("/sign-up", world);
  await user.type(await screen.findByLabelText("Username"), "new");
  await user.type(screen.getByLabelText("Email"), "new@example.com");
  await user.type(screen.getByLabelText("Password"), "long enough pw{Enter}");
  await screen.findByRole("heading", { name: "Check your mail" });
  await user.click(screen.getByRole("button", { name: "Send it again" }));
  expect(await screen.findByText(/on its way/)).toBeVisible();
});

it("makes no account without an invitation where one is needed", async () => {
  renderApp("/sign-up", lockedWorld());
  await screen.findByRole("heading", { name: "You need an invitation" });
  expect(screen.queryByLabelText("Username")).toBeNull();
});

it("registers with the address the invitation was sent to", async () => {
  const { user, at } = renderApp("/sign-up?invitation=good", signedOut(usualWorld()));
  expect(await screen.findByLabelText("Email")).toHaveValue("new@example.com");
  expect(screen.getByLabelText("Email")).toHaveAttribute("readonly");
  await user.type(screen.getByLabelText("Username"), "new");
  await user.type(screen.getByLabelText("Password"), "long enough pw{Enter}");
  await waitFor(() => expect(at()).toBe("/jobs"));
});

it.each([
  ["/verify-email", "Confirm"],
  ["/confirm-email", "Use this address"],
])("uses the link of %s when pressed, and says when it is used up", async (path, button) => {
  const used = renderApp(`${path}?token=used`, signedOut(emptyWorld()));
  await used.user.click(await screen.findByRole("button", { name: button }));
  expect(await screen.findByRole("alert")).toHaveTextContent("used already");
  await used.router.navigate({ href: `${path}?token=good` });
  await used.user.click(await screen.findByRole("button", { name: button }));
  await screen.findByRole("heading", { name: "Done" });
});

it("sends a link for a forgotten password, and sets another by it", async () => {
  const { user, router } = renderApp("/forgot-password", signedOut(emptyWorld()));
  await user.type(await screen.findByLabelText("Email"), "a@example.com{Enter}");
  await screen.findByRole("heading", { name: "Check your mail" });
  await router.navigate({ href: "/reset-password?token=good" });
  await user.type(await screen.findByLabelText("New password"), "short{Enter}");
  expect(await screen.findByText("At least 10 characters.")).toBeVisible();
  await user.type(screen.getByLabelText("New password"), " but longer now{Enter}");
  await screen.findByRole("heading", { name: "Your password is changed" });
});

it("sets up two-step sign-in: password, QR code, recovery codes", async () => {
  const world = usualWorld();
  const { user } = renderApp("/account?tab=security", world);
  await user.click(await screen.findByRole("button", { name: "Set up" }));
  const dialog = within(await screen.findByRole("dialog"));
  await user.type(dialog.getByLabelText("Your password"), "wrong{Enter}");
  expect(await dialog.findByText("That is not your password.")).toBeVisible();
  await user.clear(dialog.getByLabelText("Your password"));
  await user.type(dialog.getByLabelText("Your password"), "correct horse{Enter}");
  expect(await dialog.findByRole("img", { name: /QR code/ })).toBeVisible();
  expect(dialog.getByLabelText("Key")).toHaveValue("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
  await accessible();
  await user.type(dialog.getByLabelText("Code"), "123456{Enter}");
  expect(
    within(await dialog.findByRole("list", { name: "Recovery codes" })).getAllByRole("listitem"),
  ).toHaveLength(10);
  await user.click(dialog.getByRole("button", { name: "I have kept them" }));
  await screen.findByText("10 recovery codes left.");
  expect(world.people.totp.enabled).toBe(true);
});

it("changes the password, and says when the present one is wrong", async () => {
  const world = usualWorld();
  const { user } = renderApp("/account?tab=security", world);
  await user.type(await screen.findByLabelText("Current password"), "nope");
  await user.type(screen.getByLabelText("New password"), "another long one{Enter}");
  expect(await screen.findByText("That is not your password.")).toBeVisible();
  await user.clear(screen.getByLabelText("Current password"));
  await user.type(screen.getByLabelText("Current password"), "correct horse{Enter}");
  await screen.findByText("Password changed");
  expect(world.password).toBe("another long one");
});

it("asks for another address", async () => {
  const { user } = renderApp("/account", usualWorld());
  await user.type(await screen.findByLabelText("New email"), "ada@new.example.com");
  await user.type(screen.getByLabelText("Your password"), "correct horse{Enter}");
  expect(await screen.findByText(/We wrote to ada@new\.example\.com/)).toBeVisible();
  await accessible();
});

it("signs out one other place, then all others, never this one", async () => {
  const world = usualWorld();
  const { user } = renderApp("/account?tab=sessions", world);
  await user.click(await screen.findByRole("button", { name: "Sign out Safari on iPhone" }));
  await waitFor(() => expect(screen.queryByText("Safari on iPhone")).toBeNull());
  expect(screen.queryByRole("button", { name: "Sign out Firefox on Linux" })).toBeNull();
  await user.click(screen.getByRole("button", { name: "Sign out everywhere else" }));
  await user.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Sign out" }));
  await waitFor(() => expect(screen.queryByText("Chrome on Windows")).toBeNull());
  expect(world.people.signIns.map(({ current }) => current)).toEqual([true]);
});

it("shows what happened to the account", async () => {
  renderApp("/account?tab=activity", usualWorld());
  expect(await screen.findByText("Two-step sign-in turned on")).toBeVisible();
  expect(screen.getByText("ada@old.example.com")).toBeVisible();
  await accessible();
});
