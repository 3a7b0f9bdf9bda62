import { screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import type { JobReport } from "@/client/types";
import { emptyWorld } from "@/mocks/data";
import { problem } from "@/mocks/handlers";
import { usualWorld } from "@/mocks/world";
import { job, renderApp } from "./render-app";
import { server } from "./server";

const report = (name: string, more: Partial<JobReport> = {}): JobReport => ({
  job: { id: name, namespace: "default", name },
  ...{ runs: 1200, successes: 1180, failures: 3, timeouts: 2, lost: 1, missed: 4, skipped: 10 },
  ...{ success_rate: 0.991_597, p50_seconds: 12.4, p95_seconds: 200 },
  ...more,
});

/** Answers with these pages and tells what it was asked. */
function answer(...pages: JobReport[][]) {
  const asked: string[] = [];
  server.use(
    http.get("*/api/v1/reports/jobs", ({ request }) => {
      const { search, searchParams } = new URL(request.url);
      asked.push(search);
      const at = Number(searchParams.get("cursor") ?? 0);
      return HttpResponse.json({
        items: pages[at] ?? [],
        next_cursor: at + 1 < pages.length ? String(at + 1) : null,
      });
    }),
  );
  return asked;
}

const cells = async (name: string) => {
  const row = (await screen.findByRole("link", { name: job(name) })).closest("[role=row]") as HTMLElement;
  return within(row)
    .getAllByRole("cell")
    .map((cell) => cell.textContent);
};

it("shows how each job's runs went, in the API's order, and leads to the job", async () => {
  const { user, at } = renderApp("/reports", usualWorld());
  answer([report("zeta"), report("alpha", { success_rate: null, p50_seconds: null, p95_seconds: null })]);
  expect((await cells("default/zeta")).slice(1)).toEqual([
    ...["1,200 runs", "99.15 %", "6 failed (2 timed out, 1 lost)", "4 missed", "p50 12 s", "p95 3 min 20 s"],
  ]);
  expect((await cells("default/alpha")).slice(2, 3)).toEqual(["–"]);
  const links = within(screen.getByRole("table", { name: "Jobs" })).getAllByRole("link");
  expect(links.map((link) => link.textContent)).toEqual(["default/zeta", "default/alpha"]);
  await user.click(links[0] as HTMLElement);
  await waitFor(() => expect(at()).toBe("/jobs/default/zeta"));
});

it("asks for as many days as chosen, and the address keeps them when endpoints are looked at", async () => {
  const { user, at } = renderApp("/reports", usualWorld());
  const asked = answer([report("zeta")]);
  await cells("default/zeta");
  await user.selectOptions(screen.getByRole("combobox", { name: "Range" }), "Last 7 days");
  await waitFor(() => expect(at()).toBe("/reports?days=7"));
  await waitFor(() => expect(asked).toHaveLength(2));
  const days = asked.map((search) => {
    const query = new URLSearchParams(search);
    return (Date.parse(query.get("to") ?? "") - Date.parse(query.get("from") ?? "")) / 86_400_000 + 1;
  });
  expect(days).toEqual([30, 7]);
  await user.click(
    within(screen.getByRole("navigation", { name: "Reports by" })).getByRole("link", { name: "Endpoints" }),
  );
  await waitFor(() => expect(at()).toBe("/reports?by=endpoints&days=7"));
});

it("leads from an endpoint to its runs", async () => {
  const world = usualWorld();
  const { user, at } = renderApp("/reports?by=endpoints", world);
  await user.click(await screen.findByRole("link", { name: /^db-1 ?: its runs$/ }));
  await waitFor(() => expect(at()).toBe(`/runs?endpoint_id=${world.endpoints[0]?.id}`));
});

it("loads what follows when the API says that more does", async () => {
  const { user } = renderApp("/reports", usualWorld());
  const asked = answer([report("one")], [report("two")]);
  await cells("default/one");
  await user.click(screen.getByRole("button", { name: "Load more" }));
  await cells("default/two");
  expect(asked[0]).not.toContain("cursor");
  expect(screen.queryByRole("button", { name: "Load more" })).toBeNull();
});

it("offers more days when there was nothing in these", async () => {
  const { user, at } = renderApp("/reports?days=7", emptyWorld());
  expect(await screen.findByRole("heading", { name: "No runs in these days" })).toBeVisible();
  await user.click(screen.getByRole("link", { name: "Look at 90 days" }));
  await waitFor(() => expect(at()).toBe("/reports?days=90"));
  await waitFor(() => expect(screen.queryByRole("link", { name: "Look at 90 days" })).toBeNull());
});

it("says what is wrong and tries again", async () => {
  const { user } = renderApp("/reports", usualWorld());
  server.use(http.get("*/api/v1/reports/jobs", () => problem(503, "down", "The database is not reachable")));
  expect(await screen.findByText("The server has a problem")).toBeVisible();
  answer([report("zeta")]);
  await user.click(screen.getByRole("button", { name: "Try again" }));
  await cells("default/zeta");
});
