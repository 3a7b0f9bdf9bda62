import { screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { expect, it } from "vitest";
import { emptyWorld, type World } from "@/mocks/data";
import { usualWorld } from "@/mocks/world";
import { renderApp } from "./render-app";

async function accessible() {
  const { violations } = await axe.run(document.body, {
    // jsdom has neither colours nor layout.
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
  });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}

/** The same world, seen by somebody who may only look. */
function asViewer(world: World): World {
  if (world.session) {
    world.session.scopes = ["jobs:read", "runs:read"];
    world.session.tenant.role = "viewer";
  }
  return world;
}

it("changes a member's role, and removes a member after asking", async () => {
  const world = usualWorld();
  const { user } = renderApp("/settings/members", world);
  await user.selectOptions(await screen.findByLabelText("Role of dorothy"), "editor");
  await screen.findByText("dorothy is now editor");
  expect(world.people.members.find(({ username }) => username === "dorothy")?.role).toBe("editor");
  await user.click(screen.getByRole("button", { name: "Remove katherine" }));
  await user.click(
    within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Remove member" }),
  );
  await waitFor(() => expect(screen.queryByRole("button", { name: "Remove katherine" })).toBeNull());
  await accessible();
});

it("keeps the last owner, and says why", async () => {
  const { user } = renderApp("/settings/members", usualWorld());
  await user.selectOptions(await screen.findByLabelText("Role of acme"), "viewer");
  expect(await screen.findByRole("alert")).toHaveTextContent("one owner at least");
  await waitFor(() => expect(screen.getByLabelText("Role of acme")).toHaveValue("owner"));
});

it("invites, with the link to hand over where no mail is sent, and withdraws", async () => {
  const world = emptyWorld();
  const { user } = renderApp("/settings/members", world);
  await user.click(await screen.findByRole("button", { name: "Invite" }));
  await user.type(await screen.findByLabelText("Email"), "new@example.com");
  await user.selectOptions(screen.getByLabelText("Role"), "editor");
  await user.click(screen.getByRole("button", { name: "Send invitation" }));
  expect(((await screen.findByLabelText("Link")) as HTMLInputElement).value).toContain("/invitation?token=");
  expect(world.people.invitations[0]).toMatchObject({ email: "new@example.com", role: "editor" });
  await user.click(screen.getByRole("button", { name: "Done" }));
  await user.click(await screen.findByRole("button", { name: "Withdraw the invitation of new@example.com" }));
  await user.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Withdraw" }));
  await screen.findByText("Nobody is invited at the moment");
});

it("shows a viewer the members and no way to change them", async () => {
  renderApp("/settings/members", asViewer(usualWorld()));
  expect(await screen.findByText("grace")).toBeVisible();
  expect(screen.queryByRole("combobox", { name: /Role of/ })).toBeNull();
  expect(screen.queryByRole("button", { name: /Remove|Invite/ })).toBeNull();
  expect(screen.queryByRole("link", { name: "Audit log" })).toBeNull();
});

it("says how much of the plan is used", async () => {
  renderApp("/settings/usage", usualWorld());
  expect(await screen.findByText("187 of 200 – nearly full")).toBeVisible();
  expect(screen.getByText("50 of 50 – full")).toBeVisible();
  expect(screen.getByText("34 MiB of 500 MiB")).toBeVisible();
  await accessible();
});

it("filters the audit log, keeps the filter in the address and in the exports", async () => {
  const { user, at } = renderApp("/settings/audit", usualWorld());
  expect(await screen.findByText("Member role changed")).toBeVisible();
  await accessible();
  await user.selectOptions(screen.getByLabelText("About"), "token");
  await waitFor(() => expect(screen.queryByText("Member role changed")).toBeNull());
  expect(await screen.findByText("Token rotated")).toBeVisible();
  expect(at()).toBe("/settings/audit?action=token");
  expect(screen.getByRole("link", { name: "CSV" })).toHaveAttribute(
    "href",
    "/api/v1/audit-log/export?action=token&format=csv",
  );
});

it("renames the tenant, and the shell says so", async () => {
  const { user } = renderApp("/settings", usualWorld());
  const name = await screen.findByLabelText("Name");
  await user.clear(name);
  await user.type(name, "Acme Widgets{Enter}");
  await waitFor(() =>
    expect(screen.getAllByRole("button", { name: /Acme Widgets.*switch tenant/ }).length).toBeGreaterThan(0),
  );
});

it("deletes only what was named, and takes it back", async () => {
  const world = usualWorld();
  const { user } = renderApp("/settings", world);
  await user.click(await screen.findByRole("button", { name: "Delete tenant" }));
  const dialog = within(await screen.findByRole("alertdialog"));
  const confirm = dialog.getByRole("button", { name: "Delete tenant" });
  await user.type(dialog.getByLabelText("Type acme to confirm"), "acm");
  expect(confirm).toBeDisabled();
  await user.type(dialog.getByLabelText("Type acme to confirm"), "e");
  await user.click(confirm);
  await user.click(await screen.findByRole("button", { name: "Restore" }));
  await waitFor(() => expect(screen.queryByRole("button", { name: "Restore" })).toBeNull());
  expect(world.people.tenants[0]?.delete_at).toBeNull();
});

it("hands the tenant over to a member", async () => {
  const world = usualWorld();
  const { user } = renderApp("/settings", world);
  await user.click(await screen.findByRole("button", { name: "Transfer" }));
  const dialog = within(await screen.findByRole("alertdialog"));
  await user.selectOptions(
    await dialog.findByLabelText("New owner"),
    await dialog.findByRole("option", { name: /^grace/ }),
  );
  await user.click(dialog.getByRole("button", { name: "Transfer" }));
  await waitFor(() =>
    expect(world.people.members.find(({ username }) => username === "grace")?.role).toBe("owner"),
  );
});

it("switches to another tenant, and shows nothing of the one before", async () => {
  const world = usualWorld();
  const { user, at } = renderApp("/runs", world);
  await screen.findByRole("heading", { name: "Runs" });
  await user.click((await screen.findAllByRole("button", { name: /switch tenant/ }))[0] as HTMLElement);
  const other = await screen.findByRole("menuitemradio", { name: "Harbour Analytics" });
  world.jobs = [];
  await user.click(other);
  await screen.findAllByText("Harbour Analytics", { selector: "button *" });
  expect(at()).toBe("/jobs");
  await waitFor(() => expect(screen.queryByText("nightly-backup")).toBeNull());
});

it("makes a tenant and goes there; a taken address is said at the field", async () => {
  const world = usualWorld();
  const { user, at } = renderApp("/tenants/new", world);
  await user.type(await screen.findByLabelText("Address"), "harbour{Enter}");
  expect(await screen.findByText("That address is taken.")).toBeVisible();
  await user.clear(screen.getByLabelText("Address"));
  await user.type(screen.getByLabelText("Address"), "second{Enter}");
  await waitFor(() => expect(at()).toBe("/jobs"));
  expect(world.session?.tenant.slug).toBe("second");
});

it("accepts an invitation and goes to the tenant; a used link says so", async () => {
  const world = usualWorld();
  const { user, at, router } = renderApp("/invitation?token=good", world);
  await user.click(await screen.findByRole("button", { name: "Accept as acme" }));
  await waitFor(() => expect(at()).toBe("/jobs"));
  expect(world.session?.tenant.slug).toBe("harbour");
  await router.navigate({ href: "/invitation?token=used" });
  expect(await screen.findByRole("alert")).toHaveTextContent("does not work");
});

it("rotates one's own token, and lists everybody's for admins", async () => {
  const world = usualWorld();
  const { user } = renderApp("/tokens", world);
  expect(await screen.findByText("laptop")).toBeVisible();
  expect(screen.queryByText("terraform")).toBeNull();
  await user.click(screen.getByRole("button", { name: "Rotate ci" }));
  await user.selectOptions(await screen.findByLabelText("The old secret stops working"), "In an hour");
  await user.click(screen.getByRole("button", { name: "Rotate" }));
  expect(((await screen.findByLabelText("Token")) as HTMLInputElement).value).toMatch(/^ctp_user_/);
  await user.click(screen.getByRole("button", { name: "Done" }));
  await user.click(await screen.findByRole("link", { name: "Everybody's" }));
  expect(await screen.findByRole("button", { name: "Revoke terraform" })).toBeVisible();
  expect(screen.queryByRole("button", { name: "Rotate terraform" })).toBeNull();
});
