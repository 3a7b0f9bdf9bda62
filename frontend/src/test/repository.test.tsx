import { screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";
import { expect, it } from "vitest";
import { emptyWorld } from "@/mocks/data";
import { usualWorld } from "@/mocks/world";
import { renderApp } from "./render-app";
import { server } from "./server";

const CRONTAB =
  "PATH=/usr/bin\n0 2 * * * /opt/backup.sh\n@reboot /opt/start.sh\n*/15 * * * * /opt/sync.sh %F\n";

it("imports a crontab: every line is accounted for, then one commit", async () => {
  const world = usualWorld();
  const { user, at } = renderApp("/jobs", world);
  await user.click(await screen.findByRole("link", { name: "Import" }));
  await user.click(await screen.findByRole("button", { name: "Preview jobs" }));
  expect(await screen.findByText("Paste a crontab, or choose a file.")).toBeVisible();
  await user.click(screen.getByLabelText("What the machine has"));
  await user.paste(CRONTAB);
  await user.type(screen.getByLabelText("Labels"), "role=db");
  await user.click(screen.getByRole("button", { name: "Preview jobs" }));
  const table = await screen.findByRole("table", { name: "Jobs found" });
  const row = within(table).getByText("backup").closest("[role=row]") as HTMLElement;
  expect(row).toHaveTextContent("Every day at 02:00");
  expect(row).toHaveTextContent("line 2");
  expect(within(table).getByText(/stood for a line break/)).toBeVisible();
  expect(screen.getByText("1 line cannot become a job")).toBeVisible();
  expect(screen.getByText("PATH=/usr/bin")).toBeVisible();
  const count = world.jobs.length;
  await user.click(screen.getByRole("button", { name: "Add 2 jobs" }));
  await waitFor(() => expect(at()).toBe("/jobs?namespace=default"));
  expect(world.jobs).toHaveLength(count + 2);
});

it("drops a preview of something else", async () => {
  const { user } = renderApp("/jobs/import", usualWorld());
  await user.click(await screen.findByLabelText("What the machine has"));
  await user.paste("0 2 * * * /opt/backup.sh\n");
  await user.click(screen.getByRole("button", { name: "Preview jobs" }));
  await screen.findByRole("button", { name: "Add 1 job" });
  expect(screen.getByText(/would run nowhere/)).toBeVisible();
  await user.type(screen.getByLabelText("Namespace"), "x");
  expect(screen.queryByRole("button", { name: "Add 1 job" })).toBeNull();
});

it("sends a file as its bytes and guesses its kind", async () => {
  const { user } = renderApp("/jobs/import", usualWorld());
  let sent: unknown;
  server.use(
    http.post(/jobs:import/, async ({ request }) => {
      sent = await request.json();
      return Response.json({ jobs: [], problems: [], settings: [], plan: null, commit: null });
    }),
  );
  const file = new File([new Uint8Array([0xff, 0xfe, 0x3c, 0x00])], "task.xml");
  await user.upload(await screen.findByLabelText("File to import"), file);
  expect(await screen.findByText("task.xml")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Preview jobs" }));
  expect(await screen.findByText("No job found")).toBeVisible();
  expect(sent).toMatchObject({ kind: "task-scheduler", base64: "//48AA==" });
  expect(sent).not.toHaveProperty("text");
});

it("shows the repository: where it is, what is not in force, documents", async () => {
  const { user } = renderApp("/repository", usualWorld());
  expect(await screen.findByRole("group", { name: "clone command" })).toHaveTextContent(/^git clone http/);
  expect(screen.getByText(/production\/gpu-report.yaml is invalid/)).toBeVisible();
  await user.click(await screen.findByText("patch-night"));
  expect(await screen.findByRole("group", { name: "patch-night.yaml" })).toHaveTextContent("duration: 2h");
  expect(screen.getByRole("group", { name: "commands that verify a commit" })).toHaveTextContent(
    "ssh-ed25519",
  );
});

it("says so when all is in force", async () => {
  renderApp("/repository", emptyWorld());
  expect(await screen.findByText("Every file is valid and in force.")).toBeVisible();
  expect(screen.getByText("No commit yet")).toBeVisible();
});

it("checks a branch", async () => {
  const { user, at } = renderApp("/repository", usualWorld());
  await user.type(await screen.findByLabelText("Branch or commit"), "tidy-up{Enter}");
  expect(await screen.findByText("Can be merged")).toBeVisible();
  expect(at()).toBe("/repository?ref=tidy-up");
  expect(screen.getByText("1 removed")).toBeVisible();
  expect(screen.getByText("Policy no-root:")).toBeVisible();
  const field = screen.getByLabelText("Branch or commit");
  await user.clear(field);
  await user.type(field, "nonsense{Enter}");
  expect(await screen.findByText(/no branch or commit nonsense/)).toBeVisible();
});
