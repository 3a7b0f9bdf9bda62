import { act, screen, waitFor, within } from "@testing-library/react";
import { expect, it } from "vitest";
import { emptyWorld } from "@/mocks/data";
import { usualWorld } from "@/mocks/world";
import { FakeSource } from "./fake-source";
import { job, renderApp } from "./render-app";

it("shows a run with its output, escape codes removed", async () => {
  const world = usualWorld();
  const run = world.runs.find(({ state, output }) => state === "failure" && output);
  renderApp(`/runs/${run?.id}`, world);
  const output = await screen.findByRole("region", { name: "Output" });
  expect(output).toHaveTextContent("error: upload failed: 403 Forbidden");
  expect(output.textContent).not.toContain("\u001b");
});

it("filters runs by job and takes the filter away again", async () => {
  const { user, at } = renderApp("/runs?job=production%2Fnightly-backup&state=failure", usualWorld());
  const rows = await screen.findAllByRole("link", { name: job("production/nightly-backup") });
  expect(rows.length).toBeGreaterThan(2);
  await user.click(screen.getByRole("button", { name: "Remove filter: Job: production/nightly-backup" }));
  await waitFor(() => expect(at()).toBe("/runs?state=failure"));
});

it("lists open incidents and shows one's timeline", async () => {
  const { user } = renderApp("/incidents", usualWorld());
  const link = await screen.findByRole("link", { name: "production/nightly-backup is failing on db-1" });
  expect(screen.queryByRole("link", { name: /rotate-logs/ })).toBeNull();
  await user.click(link);
  expect(await screen.findByText("Could not notify")).toBeVisible();
  expect(screen.getByText(/channel_not_found/)).toBeVisible();
});

it("makes an enrolment token, shows the command, and notices the machine", async () => {
  const world = emptyWorld();
  const { user } = renderApp("/endpoints?add=true&labels=role%3Ddemo", world);
  await user.click(await screen.findByRole("button", { name: "Create token" }));
  const command = await screen.findByRole("group", { name: "install command" });
  expect(command).toHaveTextContent(
    /^curl -fsSL http:\/\/\S+\/install\.sh \| sudo CRONTOPUS_ENROLLMENT_TOKEN=ctp_enr_\S+ sh$/,
  );
  expect(world.enrollments[0]?.labels).toEqual({ role: "demo" });
  expect(screen.getByText(/Waiting for the machine/)).toBeVisible();
  const [endpoint] = usualWorld().endpoints;
  if (endpoint) world.endpoints.push(endpoint);
  act(() => {
    FakeSource.last.open();
    FakeSource.last.change("endpoints");
  });
  expect(await screen.findByText(/is enrolled\./)).toHaveTextContent("db-1 is enrolled.");
});

it("refuses labels that are none", async () => {
  const { user } = renderApp("/endpoints?add=true", emptyWorld());
  await user.type(await screen.findByLabelText("Labels"), "role:db");
  await user.click(screen.getByRole("button", { name: "Create token" }));
  expect(await screen.findByText(/“role:db” is not a label/)).toBeVisible();
});

it("shows a new token once, and revokes it", async () => {
  const world = usualWorld();
  const { user } = renderApp("/tokens", world);
  await user.click(await screen.findByRole("button", { name: "New token" }));
  await user.type(await screen.findByLabelText("Name"), "laptop-2");
  await user.click(screen.getByRole("checkbox", { name: "jobs:write" }));
  await user.click(screen.getByRole("button", { name: "Create token" }));
  const secret = (await screen.findByLabelText("Token")) as HTMLInputElement;
  expect(secret.value).toMatch(/^ctp_user_/);
  expect(world.tokens[0]?.scopes).not.toContain("jobs:write");
  expect(world.tokens[0]?.scopes).toContain("jobs:read");
  await user.click(screen.getByRole("button", { name: "Done" }));
  await waitFor(() => expect(screen.queryByLabelText("Token")).toBeNull());
  await user.click(await screen.findByRole("button", { name: "Revoke laptop-2" }));
  await user.click(
    within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Revoke token" }),
  );
  await waitFor(() => expect(screen.queryByText("laptop-2")).toBeNull());
});

it("keeps the shell around an address that is nothing", async () => {
  renderApp("/nowhere", usualWorld());
  expect(await screen.findByRole("heading", { name: "There is nothing at this address" })).toBeVisible();
  expect(screen.getAllByRole("link", { name: "Endpoints" }).length).toBeGreaterThan(0);
});

it("changes the theme and remembers it", async () => {
  const { user } = renderApp("/jobs", usualWorld());
  await user.click(await screen.findByRole("button", { name: /theme and sign out/ }));
  await user.click(await screen.findByRole("menuitemradio", { name: "Dark" }));
  expect(document.documentElement.dataset.theme).toBe("dark");
  expect(localStorage.getItem("crontopus.theme")).toBe("dark");
});
