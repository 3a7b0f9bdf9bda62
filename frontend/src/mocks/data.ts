import type {
  Endpoint,
  EnrollmentToken,
  IncidentDetail,
  Instance,
  InvalidFile,
  Job,
  Plan,
  RepositoryDocument,
  Run,
  RunBrief,
  RunState,
  Session,
  State,
  Token,
} from "@/client/types";
import { type Alerting, emptyAlerting } from "./alerting";
import { ago, uuid } from "./ids";
import { emptyPeople, type People } from "./people";
import type { StoredVersion } from "./repository";
import { english } from "./schedule";

export { ago, uuid } from "./ids";

/** A world small enough to read and big enough to look real. Times are relative to its birth. */
export type World = {
  session: Session | null;
  password: string;
  jobs: Job[];
  runs: Run[];
  outputs: Map<string, string>;
  endpoints: Endpoint[];
  incidents: IncidentDetail[];
  tokens: Token[];
  enrollments: EnrollmentToken[];
  /** By job id, newest first. */
  versions: Map<string, StoredVersion[]>;
  /** Jobs that were deleted. */
  gone: Job[];
  documents: RepositoryDocument[];
  invalid: InvalidFile[];
  /** What may be asked about with `GET /plan`. */
  branches: Map<string, Plan>;
  people: People;
  alerting: Alerting;
};

const COMMIT = "4f2a9c1e7b3d58a6c0e91f24d7b8a35e6c1f0d92";

export function makeSession(username = "acme"): Session {
  const tenant = { id: uuid(), slug: username, name: username, role: "owner" };
  return {
    user: {
      ...{ id: uuid(), username, email: `${username}@example.com` },
      ...{ email_verified: true, has_password: true, totp_enabled: false },
    },
    tenant,
    tenants: [tenant],
    repository: {
      clone_url: `${globalThis.location?.origin ?? "http://localhost:8000"}/git/crontopus/job-manifests-${username}.git`,
      branch: "main",
    },
    scopes: [
      ...["jobs:read", "jobs:write", "runs:read", "checkins:write", "endpoints:manage"],
      ...["alerts:manage", "tenant:admin", "tenant:owner"],
    ],
    token: null,
  };
}

type JobSeed = {
  namespace: string;
  name: string;
  mode: "agent" | "ping";
  schedule: string[];
  state: State;
  timezone?: string;
  labels?: Record<string, string>;
  nextIn?: number | null;
  lastRunAgo?: number | null;
  duration?: number;
  command?: string;
  endpoints?: Endpoint[];
  errors?: Job["errors"];
  warnings?: Instance["warnings"];
};

const RUN_FOR: Record<State, RunState | null> = {
  failing: "failure",
  stuck: "running",
  missed: "missed",
  late: "success",
  running: "running",
  healthy: "success",
  new: null,
  paused: "success",
  none: null,
};

function brief(state: RunState, secondsAgo: number, duration: number): RunBrief {
  const started = state === "missed" ? null : ago(secondsAgo);
  const ended = state === "running" || state === "missed" ? null : ago(secondsAgo - duration);
  const code = { success: 0, failure: 3, timeout: 124 }[state as string] ?? null;
  return {
    id: uuid(),
    state,
    started_at: started,
    finished_at: ended,
    duration_seconds: ended ? duration : null,
    exit_code: code,
  };
}

function yamlFor(seed: JobSeed): string {
  const lines = [
    "apiVersion: crontopus/v1",
    "kind: Job",
    "metadata:",
    `  name: ${seed.name}`,
    `  namespace: ${seed.namespace}`,
    ...(seed.labels
      ? [
          `  labels: {${Object.entries(seed.labels)
            .map(([k, v]) => `${k}: ${v}`)
            .join(", ")}}`,
        ]
      : []),
    "spec:",
    `  schedule: ${seed.schedule.length > 1 ? `[${seed.schedule.map((s) => `"${s}"`).join(", ")}]` : `"${seed.schedule[0]}"`}`,
    `  timezone: ${seed.timezone ?? "UTC"}`,
    ...(seed.mode === "agent"
      ? [`  command: ${seed.command ?? "/opt/jobs/run.sh"}`, "  selector: {matchLabels: {role: db}}"]
      : []),
    "  timeout: 1h",
    "  grace: 10m",
  ];
  return `${lines.join("\n")}\n`;
}

export function makeJob(seed: JobSeed): Job {
  const id = uuid();
  const ref = { id, namespace: seed.namespace, name: seed.name };
  const runState = RUN_FOR[seed.state];
  const last =
    runState && seed.lastRunAgo !== null
      ? brief(runState, seed.lastRunAgo ?? 5400, seed.duration ?? 12.4)
      : null;
  const places = seed.mode === "ping" ? [null] : (seed.endpoints ?? []);
  const instances = places.map((place, index): Instance => {
    const state = index === 0 && seed.state !== "none" ? seed.state : "healthy";
    return {
      id: uuid(),
      job: ref,
      endpoint: place ? { id: place.id, name: place.name } : null,
      state,
      since: ago(86_400 * 2 + index * 777),
      due_at: null,
      deadline_at: null,
      last_run: index === 0 || !last ? last : brief("success", 5400, 11.2),
      usual_seconds: last ? 12 : null,
      warnings: index === 0 ? (seed.warnings ?? []) : [],
      condition:
        place && state === "stuck"
          ? {
              type: "Stalled",
              reason: "lock_held",
              message: "Another writer holds the crontab lock.",
              at: ago(600),
            }
          : null,
    };
  });
  const by_state: Partial<Record<State, number>> = {};
  for (const { state } of instances) by_state[state] = (by_state[state] ?? 0) + 1;
  const yaml = yamlFor(seed);
  return {
    ...ref,
    mode: seed.mode,
    schedule: seed.schedule,
    timezone: seed.timezone ?? "UTC",
    enabled: true,
    paused: seed.state === "paused",
    labels: seed.labels ?? {},
    state: instances.length ? seed.state : "none",
    instances: { total: instances.length, by_state },
    warnings: instances.filter(({ warnings }) => warnings.length > 0).length,
    next_run_at: seed.state === "paused" || seed.nextIn === null ? null : ago(-(seed.nextIn ?? 1840)),
    last_run: instances.length ? last : null,
    commit: COMMIT,
    changed_by: "ada",
    changed_at: ago(86_400 * 3),
    updated_at: ago(86_400 * 3),
    errors: seed.errors ?? [],
    violations: [],
    description: null,
    schedule_text: english(seed.schedule, seed.timezone ?? "UTC"),
    manifest: {},
    yaml,
    path: `${seed.namespace}/${seed.name}.yaml`,
    etag: `"${id}"`,
    ping_url:
      seed.mode === "ping"
        ? `${globalThis.location?.origin ?? "http://localhost:8000"}/ping/7d3c1f7e-52a0-4c5e-9c1d-${id.slice(-12)}`
        : null,
    instances_list: instances,
  };
}

export function makeRun(
  job: Job,
  state: RunState,
  secondsAgo: number,
  duration: number,
  instance = job.instances_list[0],
): Run {
  const silent = state === "missed" || state === "skipped";
  return {
    ...brief(state, secondsAgo, duration),
    job: { id: job.id, namespace: job.namespace, name: job.name },
    instance_id: instance?.id ?? uuid(),
    endpoint: instance?.endpoint ?? null,
    slot_at: ago(secondsAgo + 1),
    source: job.mode === "agent" ? "agent" : "ping",
    commit: job.mode === "agent" ? COMMIT : null,
    message:
      state === "missed"
        ? "No check-in arrived within 10 min of the slot."
        : state === "skipped"
          ? "The previous run was still going on."
          : null,
    output: silent ? null : { bytes: 2310, total_bytes: 2310, truncated: false },
  };
}

export const outputFor = (run: Run): string =>
  [
    `+ ${run.job.name} starting`,
    "connecting to db-1.internal:5432",
    ...Array.from(
      { length: 18 },
      (_, index) => `  table ${String(index + 1).padStart(2, "0")}/18  ${(index * 7919) % 90_000} rows  ok`,
    ),
    "uploading to s3://acme-backups/2026-11-22/prod.dump.zst (1.8 GiB)",
    run.state === "failure"
      ? "\u001b[31merror:\u001b[0m upload failed: 403 Forbidden (SignatureDoesNotMatch)\nexit status 3"
      : "done",
    "",
  ].join("\n");

export function emptyWorld(): World {
  const session = makeSession();
  return {
    session,
    password: "correct horse",
    jobs: [],
    runs: [],
    outputs: new Map(),
    endpoints: [],
    incidents: [],
    tokens: [],
    enrollments: [],
    versions: new Map(),
    gone: [],
    documents: [],
    invalid: [],
    branches: new Map(),
    people: emptyPeople(session),
    alerting: emptyAlerting(),
  };
}
