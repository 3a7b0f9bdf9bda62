import { type DefaultBodyType, delay, HttpResponse, http, type StrictRequest } from "msw";
import type {
  EnrollmentTokenBody,
  EnrollmentTokenCreated,
  Job,
  LoginBody,
  Page,
  ProblemBody,
  RegisterBody,
  TokenCreateBody,
  TokenCreated,
} from "@/client/types";
import { ago, makeJob, makeSession, uuid, type World } from "./data";

const V1 = "*/api/v1";

export function problem(status: number, code: string, title: string, more: Partial<ProblemBody> = {}) {
  const body: ProblemBody = { type: "about:blank", title, detail: title, status, code, ...more };
  return HttpResponse.json(body, { status, headers: { "Content-Type": "application/problem+json" } });
}

const notFound = (what: string) => problem(404, "not_found", `${what} not found`);

function page<T>(items: T[], request: StrictRequest<DefaultBodyType>): Page<T> {
  const query = new URL(request.url).searchParams;
  const limit = Number(query.get("limit") ?? 50);
  const start = Number(query.get("cursor") ?? 0);
  const end = start + limit;
  return { items: items.slice(start, end), next_cursor: end < items.length ? String(end) : null };
}

const query = (request: Request, name: string) => new URL(request.url).searchParams.get(name);

function authHandlers(world: World) {
  return [
    http.post(`${V1}/auth/register`, async ({ request }) => {
      const body = (await request.json()) as RegisterBody;
      if (body.username === "taken") {
        return problem(409, "username_taken", "This username is taken", {
          detail: "The username “taken” is taken. Choose another.",
        });
      }
      world.session = makeSession(body.username);
      return HttpResponse.json(world.session, { status: 201 });
    }),
    http.post(`${V1}/auth/login`, async ({ request }) => {
      const body = (await request.json()) as LoginBody;
      if (body.password !== world.password)
        return problem(401, "invalid_credentials", "Wrong username or password");
      world.session = makeSession();
      return HttpResponse.json(world.session);
    }),
    http.post(`${V1}/auth/logout`, () => {
      world.session = null;
      return new HttpResponse(null, { status: 204 });
    }),
    http.get(`${V1}/auth/me`, () =>
      world.session ? HttpResponse.json(world.session) : problem(401, "unauthenticated", "Not signed in"),
    ),
    http.get(`${V1}/tokens`, ({ request }) => HttpResponse.json(page(world.tokens, request))),
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

const find = (world: World, params: { namespace?: unknown; name?: unknown }) =>
  world.jobs.find((job) => job.namespace === params.namespace && job.name === params.name);

/** Enough of the server's judgement to see its errors in the editor: a tab, an unknown key. */
function judge(yaml: string, file: string): ProblemBody["errors"] {
  const errors: NonNullable<ProblemBody["errors"]> = [];
  for (const [index, line] of yaml.split("\n").entries()) {
    const key = /^ {2}(\w+):/.exec(line)?.[1];
    if (key === "timezon") {
      errors.push({
        file,
        line: index + 1,
        column: 3,
        path: "spec.timezon",
        code: "unknown_key",
        message: "`timezon` is not a key of spec.",
        hint: "Did you mean `timezone`?",
      });
    }
    if (/schedule: "?99/.test(line)) {
      errors.push({
        file,
        line: index + 1,
        column: 13,
        path: "spec.schedule",
        code: "invalid_schedule",
        message: "Minute 99 is out of range 0–59.",
      });
    }
  }
  return errors;
}

function saveJob(world: World, namespace: string, name: string, yaml: string, headers: Headers) {
  const found = find(world, { namespace, name });
  const errors = judge(yaml, `${namespace}/${name}.yaml`);
  if (errors?.length) return problem(422, "invalid_manifest", "The manifest is invalid", { errors });
  if (found && headers.get("If-None-Match") === "*") {
    return problem(409, "already_exists", `${namespace}/${name} exists already`, {
      hint: "Choose another name, or edit that job.",
    });
  }
  const etag = headers.get("If-Match");
  if (found && etag && etag !== found.etag) {
    return problem(409, "stale_etag", "The job was changed meanwhile", {
      detail: `${found.path} was changed since you opened it.`,
    });
  }
  if (found) {
    Object.assign(found, { yaml, etag: `"${uuid()}"`, updated_at: ago(0) });
    return HttpResponse.json(found);
  }
  const job: Job = {
    ...makeJob({
      namespace,
      name,
      mode: /^\s+command:/m.test(yaml) ? "agent" : "ping",
      schedule: ["0 2 * * *"],
      state: "new",
    }),
    yaml,
  };
  world.jobs.unshift(job);
  return HttpResponse.json(job, { status: 201 });
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
    http.put(`${V1}/jobs/:namespace/:name`, async ({ params, request }) =>
      saveJob(world, String(params.namespace), String(params.name), await request.text(), request.headers),
    ),
    http.delete(`${V1}/jobs/:namespace/:name`, ({ params }) => {
      const job = find(world, params);
      if (!job) return notFound("Job");
      world.jobs = world.jobs.filter((other) => other !== job);
      return new HttpResponse(null, { status: 204 });
    }),
    http.get(`${V1}/jobs/:namespace/:name/next-runs`, ({ params }) => {
      const job = find(world, params);
      if (!job) return notFound("Job");
      const times = job.next_run_at
        ? [0, 1, 2, 3, 4].map((day) => new Date(Date.parse(job.next_run_at ?? "") + day * 86_400_000))
        : [];
      return HttpResponse.json({
        items: times.map((time) => ({
          at: time.toISOString(),
          local: time.toISOString().replace(/\.\d+Z$/, "+00:00"),
        })),
        timezone: job.timezone,
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
      const items = world.runs.filter(
        (run) =>
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
    http.get(`${V1}/incidents`, ({ request }) => {
      const state = query(request, "state");
      return HttpResponse.json(
        page(
          world.incidents.filter((incident) => !state || incident.state === state),
          request,
        ),
      );
    }),
    http.get(`${V1}/incidents/:id`, ({ params }) => {
      const incident = world.incidents.find(({ id }) => id === params.id);
      return incident ? HttpResponse.json(incident) : notFound("Incident");
    }),
  ];
}

export const handlersFor = (world: World) => [
  ...authHandlers(world),
  ...jobHandlers(world),
  ...runHandlers(world),
  ...endpointHandlers(world),
];

/** Signed in, but every list and page fails. */
export const brokenHandlers = (world: World) => [
  ...authHandlers(world).slice(0, 4),
  http.all(`${V1}/*`, async () => {
    await delay(50);
    return problem(503, "database_unavailable", "The database is not reachable", {
      hint: "It is being retried.",
    });
  }),
];
