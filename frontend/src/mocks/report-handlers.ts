import { HttpResponse, http } from "msw";
import type { Counts, EndpointReport, JobReport, Run, Uptime } from "@/client/types";
import { ago, type World } from "./data";
import { find } from "./edit-handlers";
import { notFound, query, V1 } from "./respond";

const DAY = 86_400;

/** The `share`-th of sorted numbers, as `percentile_disc` picks it. */
function percentile(sorted: number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

function count(runs: Run[]): Counts {
  const of = (state: Run["state"]) => runs.filter((run) => run.state === state).length;
  const took = runs.flatMap((run) => run.duration_seconds ?? []).sort((a, b) => a - b);
  const [successes, failures, timeouts] = [of("success"), of("failure"), of("timeout")];
  const [lost, missed, skipped] = [of("lost"), of("missed"), of("skipped")];
  const judged = successes + failures + timeouts + lost + missed;
  return {
    ...{ runs: runs.length, successes, failures, timeouts, lost, missed, skipped },
    success_rate: judged ? successes / judged : null,
    p50_seconds: percentile(took, 0.5),
    p95_seconds: percentile(took, 0.95),
  };
}

const dayOf = (run: Run) => (run.started_at ?? run.slot_at ?? "").slice(0, 10);

function runsOf(world: World, request: Request): Run[] {
  const [from, to] = [query(request, "from") ?? "", query(request, "to") ?? "9999"];
  return world.runs.filter((run) => dayOf(run) >= from && dayOf(run) <= to);
}

function byJob(world: World, request: Request): JobReport[] {
  const runs = runsOf(world, request);
  return world.jobs
    .map(({ id, namespace, name }) => ({ id, namespace, name }))
    .map((job) => ({ job, ...count(runs.filter((run) => run.job.id === job.id)) }))
    .filter((report) => report.runs > 0)
    .sort((a, b) => (`${a.job.namespace}/${a.job.name}` < `${b.job.namespace}/${b.job.name}` ? -1 : 1));
}

function byEndpoint(world: World, request: Request): EndpointReport[] {
  const runs = runsOf(world, request);
  return world.endpoints
    .map(({ id, name }) => ({
      endpoint: { id, name },
      ...count(runs.filter((run) => run.endpoint?.id === id)),
    }))
    .filter((report) => report.runs > 0)
    .sort((a, b) => (a.endpoint.name < b.endpoint.name ? -1 : 1));
}

const LOOKS: Partial<Record<string, [string, string]>> = {
  failing: ["down", "#c62828"],
  stuck: ["down", "#c62828"],
  missed: ["down", "#c62828"],
  late: ["late", "#b45309"],
  healthy: ["up", "#2e7d32"],
  running: ["up", "#2e7d32"],
};

function picture(label: string, state: string): string {
  const [word, colour] = LOOKS[state] ?? ["unknown", "#5f6b7a"];
  const [left, right] = [label.length * 6.4 + 10, word.length * 6.8 + 10];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20"><rect width="${left + right}" height="20" rx="3" fill="#444"/><rect x="${left}" width="${right}" height="20" fill="${colour}"/><g fill="#fff" text-anchor="middle" font-family="sans-serif" font-size="11"><text x="${left / 2}" y="14" textLength="${left - 10}">${label}</text><text x="${left + right / 2}" y="14">${word}</text></g></svg>`;
}

const DOWN: Partial<Record<string, number>> = { failing: 2680, stuck: 5700, missed: 39_400 };

/** Uptime and badges of jobs, and reports. */
export const reportHandlers = (world: World) => [
  http.get(`${V1}/jobs/:namespace/:name/uptime`, ({ request, params }) => {
    const job = find(world, params);
    if (!job) return notFound("Job");
    const days = Number(query(request, "days") ?? 30);
    const known_seconds = job.last_run ? (days - 1) * DAY : 0;
    const down_seconds = job.last_run ? (DOWN[job.state] ?? 0) : 0;
    const uptime = known_seconds ? 1 - down_seconds / known_seconds : null;
    const answer: Uptime = {
      ...{ uptime, down_seconds, known_seconds, instances: [] },
      since: ago(days * DAY),
      until: ago(0),
    };
    return HttpResponse.json(answer);
  }),
  http.get(`${V1}/jobs/:namespace/:name/badge`, ({ params }) => {
    const job = find(world, params);
    if (!job) return notFound("Job");
    // The server gives its public address, which need not be the one the console is read at.
    const url = `https://crontopus.example.com/badge/zpW3kqk1Ot8h0m5vVYt2c9Jx7dQm.${job.id}`;
    return HttpResponse.json({
      svg_url: `${url}.svg`,
      json_url: `${url}.json`,
      markdown: `![${job.namespace}/${job.name}](${url}.svg)`,
    });
  }),
  http.get("*/badge/:file", ({ params }) => {
    const job = world.jobs.find(({ id }) => String(params.file).includes(id));
    if (!job) return new HttpResponse(null, { status: 404 });
    return new HttpResponse(picture(`${job.namespace}/${job.name}`, job.state), {
      headers: { "Content-Type": "image/svg+xml" },
    });
  }),
  http.get(`${V1}/reports/jobs`, ({ request }) =>
    HttpResponse.json({ items: byJob(world, request), next_cursor: null }),
  ),
  http.get(`${V1}/reports/endpoints`, ({ request }) =>
    HttpResponse.json({ items: byEndpoint(world, request), next_cursor: null }),
  ),
];
