import { act, screen, waitFor, within } from "@testing-library/react";
import { http } from "msw";
import { expect, it } from "vitest";
import { emptyWorld } from "@/mocks/data";
import { problem } from "@/mocks/handlers";
import { crowdedWorld, usualWorld } from "@/mocks/world";
import { FakeSource } from "./fake-source";
import { job, renderApp } from "./render-app";
import { server } from "./server";

const names = () =>
  screen.queryAllByRole("row").flatMap((row) =>
    within(row)
      .queryAllByRole("link")
      .slice(0, 1)
      .map((link) => link.textContent),
  );

it("filters by text, and the address keeps it", async () => {
  const { user, at } = renderApp("/jobs?state=healthy", usualWorld());
  await screen.findByRole("link", { name: job("default/hello") });
  expect(names()).toEqual([
    "default/hello",
    "production/rotate-logs",
    "default/ci-cache-prune",
    "finance/invoice-mailer",
  ]);
  await user.type(screen.getByRole("searchbox", { name: "Search jobs" }), "cache");
  await waitFor(() => expect(names()).toEqual(["default/ci-cache-prune"]));
  expect(at()).toBe("/jobs?state=healthy&q=cache");
});

it("drops nonsense in the address", async () => {
  renderApp("/jobs?state=purple&q=", usualWorld());
  expect(await screen.findByRole("link", { name: job("production/nightly-backup") })).toBeVisible();
});

it("shows a first job in each mode when there is none", async () => {
  renderApp("/jobs", emptyWorld());
  expect(await screen.findByRole("heading", { name: "Watch a job you already have" })).toBeVisible();
  expect(screen.getByRole("heading", { name: "Let Crontopus schedule it" })).toBeVisible();
  expect(screen.getAllByRole("button", { name: "Copy manifest" })).toHaveLength(2);
});

it("shows a change without a reload, when the stream names it", async () => {
  const world = usualWorld();
  renderApp("/jobs", world);
  const link = await screen.findByRole("link", { name: job("default/hello") });
  const row = link.closest("[role=row]") as HTMLElement;
  expect(row).toHaveTextContent("Healthy");
  const hello = world.jobs.find(({ name }) => name === "hello");
  if (hello) hello.state = "failing";
  act(() => {
    FakeSource.last.open();
    FakeSource.last.change("jobs");
  });
  await waitFor(() => expect(row).toHaveTextContent("Failing"));
  expect(screen.getAllByText("Live").length).toBeGreaterThan(0);
  act(() => FakeSource.last.fail());
  expect((await screen.findAllByText("Reconnecting")).length).toBeGreaterThan(0);
});

it("loads the next page on request", async () => {
  const { user } = renderApp("/jobs", crowdedWorld(150));
  await screen.findByRole("link", { name: job("production/nightly-backup") });
  expect(names()).toHaveLength(100);
  await user.click(screen.getByRole("button", { name: "Load more" }));
  await waitFor(() => expect(names()).toHaveLength(150));
});

it("says what is wrong and tries again", async () => {
  const { user } = renderApp("/jobs", usualWorld());
  server.use(http.get("*/api/v1/jobs", () => problem(503, "down", "The database is not reachable")));
  expect(await screen.findByText("The server has a problem")).toBeVisible();
  server.resetHandlers(...(await import("@/mocks/handlers")).handlersFor(usualWorld()));
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("link", { name: job("default/hello") })).toBeVisible();
});

it("shows a job with its ping URL and lines to paste", async () => {
  const { user } = renderApp("/jobs/production/certificate-renewal", usualWorld());
  const url = (await screen.findByRole("group", { name: "ping URL" })).textContent;
  expect(url).toMatch(/\/ping\/[-0-9a-f]+$/);
  expect(screen.getByRole("group", { name: "crontab line" })).toHaveTextContent(
    `0 4 * * * /opt/job.sh; curl -fsS -m 10 --retry 3 -o /dev/null ${url}/$?`,
  );
  await user.click(screen.getByRole("button", { name: "Single requests" }));
  expect(screen.getByRole("group", { name: "failure request" })).toHaveTextContent(`${url}/fail`);
});

it("tells of a job that does not exist", async () => {
  renderApp("/jobs/default/nothing", usualWorld());
  expect(await screen.findByRole("heading", { name: "There is no job default/nothing" })).toBeVisible();
});

it("creates a job at the address its manifest names", async () => {
  const world = emptyWorld();
  const { user, at } = renderApp("/jobs/new?mode=agent", world);
  await user.click(await screen.findByRole("button", { name: "Create job" }));
  await waitFor(() => expect(at()).toBe("/jobs/default/hello"));
  expect(world.jobs.map(({ path }) => path)).toEqual(["default/hello.yaml"]);
});

it("shows the errors of a refused manifest by line", async () => {
  const { user, at } = renderApp("/jobs/new?mode=ping", emptyWorld());
  const errors = [
    {
      line: 8,
      column: 3,
      path: "spec.schedule",
      code: "invalid_schedule",
      message: "Minute 99 is out of range.",
      hint: "Use 0 to 59.",
    },
  ];
  server.use(
    http.put("*/api/v1/jobs/:ns/:name", () =>
      problem(422, "invalid_manifest", "Invalid manifest", { errors }),
    ),
  );
  await user.click(await screen.findByRole("button", { name: "Create job" }));
  const alert = await screen.findByRole("alert");
  expect(alert).toHaveTextContent("Minute 99 is out of range. Use 0 to 59.");
  expect(within(alert).getByRole("button", { name: "line 8:3" })).toBeVisible();
  expect(at()).toBe("/jobs/new?mode=ping");
});

it("deletes a job only after a second word", async () => {
  const world = usualWorld();
  const { user, at } = renderApp("/jobs/default/hello", world);
  await user.click(await screen.findByRole("button", { name: "Delete" }));
  const dialog = await screen.findByRole("alertdialog");
  expect(world.jobs.some(({ name }) => name === "hello")).toBe(true);
  await user.click(within(dialog).getByRole("button", { name: "Delete job" }));
  await waitFor(() => expect(at()).toBe("/jobs"));
  expect(world.jobs.some(({ name }) => name === "hello")).toBe(false);
});
