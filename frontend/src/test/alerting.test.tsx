import { cleanup, screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import { emptyWorld, type World } from "@/mocks/data";
import { usualWorld } from "@/mocks/world";
import { renderApp } from "./render-app";
import { server } from "./server";

async function accessible() {
  const { violations } = await axe.run(document.body, {
    // jsdom has neither colours nor layout.
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
  });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
}

function asViewer(world: World): World {
  if (world.session) world.session.scopes = ["jobs:read", "runs:read"];
  return world;
}

it("lists channels with their state, and sends a test", async () => {
  const world = usualWorld();
  const { user } = renderApp("/channels", world);
  expect(await screen.findByText("Held back")).toBeVisible();
  expect(screen.getByText("Broken")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Send test to finance-team" }));
  await screen.findByText("finance-team took the test");
  expect(world.alerting.channels.find(({ name }) => name === "finance-team")?.state).toBe("ready");
  await accessible();
});

it("makes a webhook, shows its secret once, and asks for what is missing first", async () => {
  const world = emptyWorld();
  const { user, at } = renderApp("/channels", world);
  await user.click((await screen.findAllByRole("link", { name: "New channel" }))[0] as HTMLElement);
  await user.click(await screen.findByText("Webhook"));
  await user.click(await screen.findByRole("button", { name: "Make channel" }));
  expect(await screen.findByText("This is needed.")).toBeVisible();
  expect(world.alerting.channels).toEqual([]);
  await accessible();
  await user.type(screen.getByLabelText("Name"), "lake");
  await user.type(screen.getByLabelText("Address"), "https://hooks.example.com");
  await user.type(screen.getByLabelText("Headers"), "X-Team: data");
  await user.click(screen.getByRole("button", { name: "Make channel" }));
  expect(
    ((await screen.findByLabelText("Signing secret", { selector: "[readonly]" })) as HTMLInputElement).value,
  ).toBe("whsec_3v0mock");
  expect(world.alerting.channels[0]?.config).toMatchObject({
    url: "https://hooks.example.com",
    headers: { "X-Team": "data" },
    content_type: "application/json",
  });
  await user.click(screen.getByRole("button", { name: "Done" }));
  await waitFor(() => expect(at()).toBe(`/channels/${world.alerting.channels[0]?.id}`));
});

it("keeps secrets that are left empty when a channel is saved", async () => {
  const world = usualWorld();
  const ops = world.alerting.channels.find(({ name }) => name === "ops");
  const { user } = renderApp(`/channels/${ops?.id}`, world);
  const channel = await screen.findByLabelText("Channel");
  await user.clear(channel);
  await user.type(channel, "#ops-alerts");
  await user.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("ops is saved");
  expect(ops?.config).toEqual({ kind: "slack", channel: "#ops-alerts" });
  await accessible();
});

it("sends a failed delivery again, and shows what came back", async () => {
  const world = usualWorld();
  const { user } = renderApp("/deliveries?state=failed", world);
  await user.click(await screen.findByRole("link", { name: "#ops" }));
  await screen.findByRole("heading", { name: "Opened, to #ops" });
  expect(screen.getAllByText(/"channel_not_found"/).length).toBe(2);
  await accessible();
  await user.click(screen.getByRole("button", { name: "Send again" }));
  expect(await screen.findByText("Pending")).toBeVisible();
});

it("shows routes in order with what is wrong, and says who would be told", async () => {
  const { user } = renderApp("/routes", usualWorld());
  expect(await screen.findByText(/There is no channel `pager-backup`/)).toBeVisible();
  await user.type(screen.getByLabelText("Job"), "nonsense");
  await user.click(screen.getByRole("button", { name: "Ask" }));
  expect(await screen.findByText("Write namespace/name.")).toBeVisible();
  await user.clear(screen.getByLabelText("Job"));
  await user.type(screen.getByLabelText("Job"), "production/nightly-backup");
  await user.click(screen.getByRole("button", { name: "Ask" }));
  const answer = within((await screen.findByText("Routes tried")).closest("[role=status]") as HTMLElement);
  expect(answer.getByText("10-finance").parentElement).toHaveTextContent("is about other jobs");
  expect(answer.getByText(/by the route 20-critical/)).toHaveTextContent("held");
  await accessible();
});

it("writes a route with the form, comments kept, and commits it", async () => {
  const world = usualWorld();
  const { user, at } = renderApp("/routes/edit/20-critical", world);
  const channels = within(await screen.findByRole("group", { name: "Channels" }));
  await user.click(await channels.findByRole("checkbox", { name: "ops" }));
  await user.click(screen.getByRole("checkbox", { name: "Error" }));
  await user.type(screen.getByLabelText("Labels"), "team=platform");
  await user.tab();
  await user.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(at()).toBe("/routes"));
  const yaml = world.alerting.files.get(".crontopus/routes/20-critical.yaml")?.yaml;
  expect(yaml).toContain("# Asked for by the team.");
  expect(world.alerting.routes.find(({ name }) => name === "20-critical")?.spec).toMatchObject({
    channels: ["ops", "on-call", "pager-backup"],
    severities: ["critical", "error"],
    match: { matchLabels: { team: "platform" } },
  });
});

it("starts maintenance now and ends it", async () => {
  const world = usualWorld();
  const { user } = renderApp("/maintenance", world);
  await user.click(await screen.findByRole("button", { name: "Start now" }));
  const dialog = within(await screen.findByRole("dialog"));
  await user.type(dialog.getByLabelText("Reason"), "New disks");
  await user.type(dialog.getByLabelText("Labels"), "role=db");
  await user.click(dialog.getByRole("button", { name: "Start now" }));
  expect(await screen.findByText("New disks")).toBeVisible();
  const [made] = world.alerting.windows;
  expect(made?.spec.match).toEqual({ matchLabels: { role: "db" } });
  await user.click(screen.getByRole("button", { name: `End now: ${made?.name}` }));
  await user.click(within(await screen.findByRole("alertdialog")).getByRole("button", { name: "End now" }));
  await waitFor(() => expect(made?.active).toBe(false));
  await accessible();
});

it("shows the parts of an incident on its page only, and takes a comment", async () => {
  const world = usualWorld();
  const { user } = renderApp("/incidents", world);
  await user.click(await screen.findByRole("link", { name: "fin-win-2022 is offline" }));
  expect(await screen.findByRole("link", { name: /invoice-mailer was missed/ })).toBeVisible();
  await user.type(screen.getByLabelText("Comment"), "on my way");
  await user.click(screen.getByRole("button", { name: "Add comment" }));
  expect(await screen.findByText("acme: on my way")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "More ways to respond" }));
  await user.click(await screen.findByRole("menuitem", { name: "Mute until it is over" }));
  await waitFor(() => expect(world.incidents[0]?.muted).toBe(true));
  await accessible();
});

it("filters incidents by kind, in the address; a job's are found though they are a part of another", async () => {
  const { user, at, router } = renderApp("/incidents", usualWorld());
  await screen.findByRole("link", { name: "fin-win-2022 is offline" });
  expect(screen.queryByRole("link", { name: /ledger-export was missed/ })).toBeNull();
  await user.selectOptions(screen.getByLabelText("Kind"), "Stuck");
  await waitFor(() => expect(screen.queryByRole("link", { name: "fin-win-2022 is offline" })).toBeNull());
  expect(at()).toBe("/incidents?kind=stuck");
  await router.navigate({ href: "/incidents?job=finance%2Fledger-export" });
  expect(await screen.findByRole("link", { name: /ledger-export was missed/ })).toBeVisible();
});

it("unlocks an endpoint after asking", async () => {
  const world = usualWorld();
  const { user } = renderApp("/endpoints", world);
  await user.click(await screen.findByRole("button", { name: "Unlock db-3" }));
  await user.click(
    within(await screen.findByRole("alertdialog")).getByRole("button", { name: "Unlock endpoint" }),
  );
  await screen.findByText("db-3 is unlocked");
  expect(screen.queryByRole("button", { name: "Unlock db-3" })).toBeNull();
});

it.each([
  ["/channels", "warehouse", /^(New channel|Send test)/],
  ["/routes", "30-weekend", /^New route$/],
  ["/maintenance", "Patching", /^(Start now|Plan a window|End now)/],
  ["/incidents", "fin-win-2022 is offline", /^(Acknowledge|More ways)/],
])("offers a viewer no changes on %s", async (path, loaded, acts) => {
  renderApp(path, asViewer(usualWorld()));
  await screen.findAllByText(loaded);
  expect(screen.queryAllByRole("button", { name: acts })).toEqual([]);
  expect(screen.queryAllByRole("link", { name: acts })).toEqual([]);
});

it.each(["/channels/new", "/routes/new", "/maintenance/new"])("tells a viewer why not %s", async (path) => {
  renderApp(path, asViewer(usualWorld()));
  expect(await screen.findByRole("heading", { name: "Your role may not change who is told" })).toBeVisible();
});

it.each([
  ["/channels", "No channels yet", "channels"],
  ["/deliveries", "Nothing was sent yet", "deliveries"],
  ["/routes", "No routes yet", "routes"],
  ["/maintenance", "No maintenance windows", "maintenance-windows"],
])("says on an empty %s what to do, and can try again after an error", async (path, nothing, asked) => {
  const { queryClient } = renderApp(path, emptyWorld());
  expect(await screen.findByText(nothing)).toBeVisible();
  await accessible();
  cleanup();
  queryClient.clear();
  const { user } = renderApp(path, emptyWorld());
  let broken = true;
  server.use(
    http.get(`*/api/v1/${asked}`, () => (broken ? new HttpResponse(null, { status: 503 }) : undefined)),
  );
  const again = await screen.findByRole("button", { name: "Try again" });
  broken = false;
  await user.click(again);
  expect(await screen.findByText(nothing)).toBeVisible();
});
