import { delay, HttpResponse, http } from "msw";
import type {
  EnrollmentTokenBody,
  EnrollmentTokenCreated,
  Job,
  TokenCreateBody,
  TokenCreated,
} from "@/client/types";
import { accountHandlers, sessionHandlers } from "./account-handlers";
import { alertHandlers } from "./alert-handlers";
import { ago, uuid, type World } from "./data";
import { editHandlers, find } from "./edit-handlers";
import { reportHandlers } from "./report-handlers";
import { repositoryHandlers } from "./repository-handlers";
import { notFound, page, problem, query, V1 } from "./respond";
import { daily } from "./schedule";
import { tenancyHandlers } from "./tenancy-handlers";

export { problem } from "./respond";

const CLOCK_CHANGES = [
  {
    at: "2027-03-28T01:00:00Z",
    kind: "moved",
    slots: ["2027-03-28T01:00:00Z"],
    text: "On 28 March 2027 the clock goes from 01:00 to 02:00: the run of 01:30 comes at 02:00 instead.",
  },
];

function tokenHandlers(world: World) {
  return [
    http.get(`${V1}/tokens`, ({ request }) => {
      const me = world.session?.user.username;
      const all = query(request, "all") === "true";
      const items = world.tokens.filter(({ owner }) => all || !owner || owner.username === me);
      return HttpResponse.json(page(items, request));
    }),
    http.post(`${V1}/tokens/:id/rotate`, async ({ params, request }) => {
      const old = world.tokens.find(({ id }) => id === params.id);
      const { overlap_seconds } = (await request.json()) as { overlap_seconds: number };
      if (!old) return notFound("Token");
      const token = { ...old, id: uuid(), created_at: ago(0), last_used_at: null };
      if (overlap_seconds) old.expires_at = ago(-overlap_seconds);
      else world.tokens = world.tokens.filter(({ id }) => id !== old.id);
      world.tokens.unshift(token);
      const created: TokenCreated = { token, secret: "ctp_user_9Rz1kQmVt4yZr6Nc1XhPbLs9Df0GaEuK_8bW2mock" };
      return HttpResponse.json(created, { status: 201 });
    }),
    http.post(`${V1}/tokens`, async ({ request }) => {
      const body = (await request.json()) as TokenCreateBody;
      const token = {
        id: uuid(),
        name: body.name,
        hint: "ctp_user_…mock",
        scopes: body.scopes ?? world.session?.scopes ?? [],
        created_at: ago(0),
        expires_at: body.expires_in_seconds ? ago(-body.expires_in_seconds) : null,
        last_used_at: null,
      };
      world.tokens.unshift(token);
      const created: TokenCreated = { token, secret: "ctp_user_2Jw8kQmVt4yZr6Nc1XhPbLs9Df0GaEuK_3fT7mock" };
      return HttpResponse.json(created, { status: 201 });
    }),
    http.delete(`${V1}/tokens/:id`, ({ params }) => {
      world.tokens = world.tokens.filter((token) => token.id !== params.id);
      return new HttpResponse(null, { status: 204 });
    }),
  ];
}

function jobHandlers(world: World) {
  return [
    http.get(`${V1}/jobs`, ({ request }) => {
      const [q, state, namespace] = ["q", "state", "namespace"].map((name) => query(request, name));
      const items = world.jobs.filter(
        (job) =>
          (!q || `${job.namespace}/${job.name}`.includes(q)) &&
          (!state || job.state === state) &&
          (!namespace || job.namespace === namespace),
      );
      return HttpResponse.json(page(items, request));
    }),
    http.get(`${V1}/namespaces`, ({ request }) => {
      const counts = new Map<string, number>([["default", 0]]);
      for (const { namespace } of world.jobs) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
      return HttpResponse.json(
        page(
          [...counts].sort().map(([name, jobs]) => ({ name, jobs })),
          request,
        ),
      );
    }),
    http.get(`${V1}/jobs/:namespace/:name`, ({ params }) => {
      const job = find(world, params);
      return job ? HttpResponse.json(job, { headers: { ETag: job.etag } }) : notFound("Job");
    }),
    http.get(`${V1}/jobs/:namespace/:name/next-runs`, ({ params }) => {
      const job = find(world, params);
      if (!job) return notFound("Job");
      return HttpResponse.json({
        items: job.next_run_at ? daily(new Date(job.next_run_at), job.timezone, 5) : [],
        timezone: job.timezone,
        schedule_text: job.schedule_text,
        clock_changes: job.timezone === "UTC" ? [] : CLOCK_CHANGES,
      });
    }),
    http.get(`${V1}/instances`, ({ request }) => {
      const job = query(request, "job");
      const items = world.jobs
        .filter((each) => !job || `${each.namespace}/${each.name}` === job)
        .flatMap((each) => each.instances_list);
      return HttpResponse.json(page(items, request));
    }),
  ];
}

function hasLabel(job: Job, label: string): boolean {
  const [key = "", value] = label.split("=");
  return job.labels[key] === value;
}

function runHandlers(world: World) {
  return [
    http.get(`${V1}/runs`, ({ request }) => {
      const [job, namespace, endpoint, state, since] = [
        "job",
        "namespace",
        "endpoint_id",
        "state",
        "since",
      ].map((name) => query(request, name));
      const labels = new URL(request.url).searchParams.getAll("label");
      const labelled = new Set(
        world.jobs.filter((each) => labels.every((label) => hasLabel(each, label))).map(({ id }) => id),
      );
      const items = world.runs.filter(
        (run) =>
          (labels.length === 0 || labelled.has(run.job.id)) &&
          (!job || `${run.job.namespace}/${run.job.name}` === job) &&
          (!namespace || run.job.namespace === namespace) &&
          (!endpoint || run.endpoint?.id === endpoint) &&
          (!state || run.state === state) &&
          (!since || (run.started_at ?? run.slot_at ?? "") >= since),
      );
      return HttpResponse.json(page(items, request));
    }),
    http.get(`${V1}/runs/:id`, ({ params }) => {
      const run = world.runs.find(({ id }) => id === params.id);
      return run ? HttpResponse.json(run) : notFound("Run");
    }),
    http.get(`${V1}/runs/:id/output`, ({ params }) => {
      const text = world.outputs.get(String(params.id));
      if (text === undefined) return problem(404, "no_output", "This run has no output");
      return new HttpResponse(text, { headers: { "Content-Type": "text/plain; charset=utf-8" } });
    }),
  ];
}

function endpointHandlers(world: World) {
  return [
    http.get(`${V1}/endpoints`, ({ request }) => HttpResponse.json(page(world.endpoints, request))),
    http.delete(`${V1}/endpoints/:id`, ({ params }) => {
      const endpoint = world.endpoints.find(({ id }) => id === params.id);
      if (!endpoint) return notFound("Endpoint");
      endpoint.state = "revoked";
      return new HttpResponse(null, { status: 204 });
    }),
    http.post(`${V1}/endpoints/:id/unlock`, ({ params }) => {
      const endpoint = world.endpoints.find(({ id }) => id === params.id);
      if (!endpoint) return notFound("Endpoint");
      Object.assign(endpoint, { state: "offline", lock_reason: null });
      return HttpResponse.json(endpoint);
    }),
    http.get(`${V1}/enrollment-tokens`, ({ request }) => HttpResponse.json(page(world.enrollments, request))),
    http.post(`${V1}/enrollment-tokens`, async ({ request }) => {
      const body = (await request.json()) as EnrollmentTokenBody;
      const token = {
        id: uuid(),
        name: body.name ?? "",
        hint: "ctp_enr_…mock",
        uses_left: body.uses ?? 1,
        labels: body.labels ?? {},
        created_at: ago(0),
        expires_at: ago(-(body.expires_in_seconds ?? 3600)),
      };
      world.enrollments.unshift(token);
      const created: EnrollmentTokenCreated = {
        token,
        secret: "ctp_enr_8Lq2vXn5tRw0Yb7Kc4HmZs1Pd6FgJaEu_9bQ2mock",
      };
      return HttpResponse.json(created, { status: 201 });
    }),
    http.delete(`${V1}/enrollment-tokens/:id`, ({ params }) => {
      world.enrollments = world.enrollments.filter(({ id }) => id !== params.id);
      return new HttpResponse(null, { status: 204 });
    }),
  ];
}

export const handlersFor = (world: World) => [
  ...sessionHandlers(world),
  ...accountHandlers(world),
  ...tenancyHandlers(world),
  ...tokenHandlers(world),
  ...jobHandlers(world),
  ...editHandlers(world),
  ...repositoryHandlers(world),
  ...reportHandlers(world),
  ...runHandlers(world),
  ...endpointHandlers(world),
  ...alertHandlers(world),
];

/** Signed in, but every list and page fails. */
export const brokenHandlers = (world: World) => [
  ...sessionHandlers(world),
  http.all(`${V1}/*`, async () => {
    await delay(50);
    return problem(503, "database_unavailable", "The database is not reachable", {
      hint: "It is being retried.",
    });
  }),
];
