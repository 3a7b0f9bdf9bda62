import { act, screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";
import { expect, it } from "vitest";
import type { World } from "@/mocks/data";
import { problem } from "@/mocks/handlers";
import { commitTo } from "@/mocks/repository";
import { crowdedWorld, usualWorld } from "@/mocks/world";
import { renderApp } from "./render-app";
import { server } from "./server";

const named = (world: World, name: string) => {
  const found = world.jobs.find((job) => job.name === name);
  if (!found) throw new Error(`no job ${name}`);
  return found;
};
const BACKUP = "/jobs/production/nightly-backup";

it("leads from the history over a diff to a rollback, and back", async () => {
  const world = usualWorld();
  const job = named(world, "nightly-backup");
  const before = job.yaml;
  const { user, at } = renderApp(`${BACKUP}?tab=history`, world);
  await user.click(await screen.findByRole("link", { name: "nightly-backup: give it an hour" }));
  const diff = await screen.findByRole("group", { name: /^Changes in/ });
  expect(within(diff).getByText(/timeout: 30m/).tagName).toBe("DEL");
  expect(within(diff).getByText(/timeout: 1h/).tagName).toBe("INS");
  expect(at()).toMatch(/tab=history&version=[0-9a-f]{40}$/);

  await user.click(screen.getByRole("link", { name: "Change production/nightly-backup" }));
  await user.click(await screen.findByRole("button", { name: "Roll back to this version" }));
  const dialog = await screen.findByRole("alertdialog");
  expect(await within(dialog).findByRole("group", { name: /^Changes of/ })).toHaveTextContent("timeout: 30m");
  expect(within(dialog).getByText("spec.timeout")).toBeVisible();
  expect(job.yaml).toBe(before);
  await user.click(within(dialog).getByRole("button", { name: "Roll back" }));
  await waitFor(() => expect(job.yaml).toContain("timeout: 30m"));
  expect(await screen.findByRole("link", { name: /^Roll back production\/nightly-backup to/ })).toBeVisible();

  await user.click(await screen.findByRole("button", { name: "Undo" }));
  await waitFor(() => expect(job.yaml).toBe(before));
});

it("loads a long history page by page", async () => {
  const { user } = renderApp(`${BACKUP}?tab=history`, crowdedWorld(120));
  const list = await screen.findByRole("list", { name: "Versions" });
  await waitFor(() => expect(within(list).getAllByRole("link")).toHaveLength(50));
  await user.click(screen.getByRole("button", { name: "Load more" }));
  await waitFor(() => expect(within(list).getAllByRole("link")).toHaveLength(100));
});

it("keeps the history of a deleted job, and brings it back", async () => {
  const world = usualWorld();
  const { user, at, router } = renderApp("/jobs/default/hello", world);
  await user.click(await screen.findByRole("button", { name: "Delete" }));
  const dialog = await screen.findByRole("alertdialog");
  expect(await within(dialog).findByText("Stops running on", { exact: false })).toHaveTextContent("db-1");
  await user.type(within(dialog).getByLabelText("Commit message"), "Not needed");
  await user.click(within(dialog).getByRole("button", { name: "Delete job" }));
  await waitFor(() => expect(at()).toBe("/jobs"));
  await act(() => router.navigate({ href: "/jobs/default/hello" }));
  const diff = await screen.findByRole("group", { name: /^Changes in/ });
  expect(within(diff).getByText("kind: Job").tagName).toBe("DEL");
  await user.click(await screen.findByRole("button", { name: "Bring it back" }));
  const again = await screen.findByRole("alertdialog");
  await waitFor(() => expect(within(again).getByRole("button", { name: "Bring it back" })).toBeEnabled());
  await user.click(within(again).getByRole("button", { name: "Bring it back" }));
  await waitFor(() => expect(world.jobs.some(({ name }) => name === "hello")).toBe(true));
});

it("pauses with one press and resumes with another", async () => {
  const world = usualWorld();
  const job = named(world, "rotate-logs");
  const { user } = renderApp("/jobs/production/rotate-logs", world);
  await user.click(await screen.findByRole("button", { name: "Pause" }));
  expect(await screen.findByRole("button", { name: "Resume" })).toBeVisible();
  expect(job.yaml).toContain("paused: true");
  await user.click(await screen.findByRole("button", { name: "Undo" }));
  await waitFor(() => expect(job.yaml).toContain("paused: false"));
});

it("moves a job after showing what that does", async () => {
  const world = usualWorld();
  const { user, at } = renderApp("/jobs/production/rotate-logs", world);
  await user.click(await screen.findByRole("button", { name: "Rename" }));
  const dialog = await screen.findByRole("alertdialog");
  expect(within(dialog).getByRole("button", { name: "Rename job" })).toBeDisabled();
  const name = within(dialog).getByLabelText("Name");
  await user.clear(name);
  await user.type(name, "Bad Name");
  expect(within(dialog).getByText(/Lower-case letters/)).toBeVisible();
  await user.clear(name);
  await user.type(name, "trim-logs");
  expect(await within(dialog).findByText("Moved")).toBeVisible();
  await user.click(within(dialog).getByRole("button", { name: "Rename job" }));
  await waitFor(() => expect(at()).toBe("/jobs/production/trim-logs"));
  expect(named(world, "trim-logs").path).toBe("production/trim-logs.yaml");
});

it("adopts a discovered job into a namespace", async () => {
  const world = usualWorld();
  const { user, at } = renderApp("/jobs?namespace=discovered", world);
  await user.click(await screen.findByRole("link", { name: "Adopt db-1-certbot-renew" }));
  const dialog = await screen.findByRole("alertdialog");
  const adopt = within(dialog).getByRole("button", { name: "Adopt job" });
  await waitFor(() => expect(adopt).toBeEnabled());
  await user.click(adopt);
  await waitFor(() => expect(at()).toBe("/jobs/default/db-1-certbot-renew"));
});

it("asks for a command in full where secrets were taken out of it", async () => {
  const world = usualWorld();
  const found = named(world, "db-1-certbot-renew");
  found.manifest = {
    metadata: { annotations: { "crontopus.dev/redacted": "x" } },
    spec: { command: "/usr/bin/certbot --token [REDACTED]" },
  };
  const { user, at } = renderApp("/jobs/discovered/db-1-certbot-renew?adopt=true", world);
  const dialog = await screen.findByRole("alertdialog");
  const adopt = within(dialog).getByRole("button", { name: "Adopt job" });
  const command = within(dialog).getByRole("textbox", { name: "Command" });
  expect(command).toHaveValue("/usr/bin/certbot --token [REDACTED]");
  expect(adopt).toBeDisabled();
  await user.clear(command);
  await user.type(command, "/usr/bin/certbot --token-file /etc/token");
  await waitFor(() => expect(adopt).toBeEnabled());
  await user.click(adopt);
  await waitFor(() => expect(at()).toBe("/jobs/default/db-1-certbot-renew"));
  expect(named(world, "db-1-certbot-renew").yaml).toContain("--token-file /etc/token");
});

it("previews a new job: schedule, endpoints, text", async () => {
  const world = usualWorld();
  world.jobs = world.jobs.filter(({ name }) => name !== "hello");
  for (const endpoint of world.endpoints) endpoint.labels = { role: "demo" };
  const { user } = renderApp("/jobs/new?mode=agent", world);
  await user.click(await screen.findByRole("button", { name: "Preview changes" }));
  const card = (await screen.findByText("What saving would do")).closest("section") as HTMLElement;
  expect(within(card).getByText(/Every 5 minutes/)).toBeVisible();
  expect(within(card).getByText(/^Starts running on/)).toHaveTextContent("db-1, db-2");
  expect(within(card).getByRole("group", { name: "Changes of default/hello.yaml" })).toBeInTheDocument();
});

it("puts what a policy refuses at its line, in the preview as well", async () => {
  const { user } = renderApp("/jobs/new?mode=ping", usualWorld());
  const plan = {
    ...{ base: null, applicable: false, changes: [], files: [], endpoints: [], warnings: [], conflicts: [] },
    summary: { added: 0, changed: 0, removed: 0, moved: 0 },
    errors: [
      {
        code: "x",
        message: "Too often.",
        line: 7,
        column: 3,
        policy: "min-interval",
        enforcement: "enforce",
      },
    ],
  };
  server.use(http.put("*/api/v1/jobs/:ns/:name", () => Response.json(plan)));
  await user.click(await screen.findByRole("button", { name: "Preview changes" }));
  expect(await screen.findByText("This would be refused")).toBeVisible();
  expect(screen.getByRole("button", { name: "line 7:3" })).toBeVisible();
  expect(screen.getByText("Policy min-interval:")).toBeVisible();
});

/** Opens the editor of a job and changes its text there. */
async function openChanged(world: World) {
  const app = renderApp("/jobs/production/rotate-logs/edit", world);
  await screen.findByText("production/rotate-logs.yaml");
  const content = await waitFor(() => {
    const hosts = [...document.querySelectorAll("*")].flatMap((each) => each.shadowRoot ?? []);
    const found = hosts.map((root) => root.querySelector<HTMLElement>(".cm-content")).find(Boolean);
    if (!found) throw new Error("no editor yet");
    return found;
  });
  const { EditorView } = await import("@codemirror/view");
  const view = EditorView.findFromDOM(content);
  if (!view) throw new Error("no view");
  view.dispatch({ changes: { from: view.state.doc.length, insert: "  concurrency: forbid\n" } });
  return app;
}

it("shows both versions when somebody was quicker, and overwrites only when told to", async () => {
  const world = usualWorld();
  const job = named(world, "rotate-logs");
  const { user, at } = await openChanged(world);
  commitTo(world, job, "changed", "theirs", `${job.yaml}  jitter: 2m\n`);
  await user.click(await screen.findByRole("button", { name: "Save" }));
  const diff = await screen.findByRole("group", { name: "From their version to yours" });
  expect(within(diff).getByText(/jitter: 2m/).tagName).toBe("DEL");
  expect(within(diff).getByText(/concurrency: forbid/).tagName).toBe("INS");
  expect(job.yaml).toContain("jitter: 2m");
  await user.click(screen.getByRole("button", { name: "Overwrite with mine" }));
  await waitFor(() => expect(at()).toBe("/jobs/production/rotate-logs"));
  expect(job.yaml).toContain("concurrency: forbid");
  expect(job.yaml).not.toContain("jitter: 2m");
});

it("takes their version when mine is discarded", async () => {
  const world = usualWorld();
  const job = named(world, "rotate-logs");
  const { user } = await openChanged(world);
  commitTo(world, job, "changed", "theirs", `${job.yaml}  jitter: 2m\n`);
  await user.click(await screen.findByRole("button", { name: "Save" }));
  await screen.findByRole("group", { name: "From their version to yours" });
  await user.click(screen.getByRole("button", { name: "Discard mine, take theirs" }));
  await waitFor(() => expect(screen.queryByText("Their version and yours")).toBeNull());
  expect(screen.getByRole("button", { name: "Save" })).toBeDisabled();
  expect(job.yaml).not.toContain("concurrency");
});

it("cannot press what would be refused", async () => {
  const { user } = renderApp("/jobs/default/hello", usualWorld());
  server.use(
    http.delete("*/api/v1/jobs/:ns/:name", () =>
      problem(409, "stale_etag", "The job was changed since you fetched it.", { hint: "Look at it again." }),
    ),
  );
  await user.click(await screen.findByRole("button", { name: "Delete" }));
  const dialog = await screen.findByRole("alertdialog");
  expect(await within(dialog).findByRole("alert")).toHaveTextContent("Look at it again.");
  expect(within(dialog).getByRole("button", { name: "Delete job" })).toBeDisabled();
});

it("names the policies that jobs break", async () => {
  const world = usualWorld();
  const { router } = renderApp("/jobs?q=vacuum", world);
  expect(await screen.findByText("Breaks no-root")).toBeVisible();
  await act(() => router.navigate({ href: "/jobs/production/vacuum-analyze" }));
  expect(await screen.findByText("This job breaks a policy")).toBeVisible();
  expect(screen.getByText("Policy no-root:")).toBeVisible();
});
