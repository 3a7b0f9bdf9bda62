import type { Endpoint, IncidentDetail, Job, RunState, State } from "@/client/types";
import { crowdAlerting, usualAlerting } from "./alerting";
import { ago, emptyWorld, makeJob, makeRun, outputFor, uuid, type World } from "./data";
import { fillRepository, giveLongPast } from "./past";
import { usualPeople } from "./people";

function makeEndpoint(name: string, more: Partial<Endpoint> = {}): Endpoint {
  const commit = "4f2a9c1e7b3d58a6c0e91f24d7b8a35e6c1f0d92";
  return {
    id: uuid(),
    name,
    hostname: `${name}.internal`,
    platform: "linux",
    arch: "amd64",
    agent_version: "0.1.0",
    labels: { role: "db", env: "prod" },
    state: "online",
    last_seen_at: ago(8),
    enrolled_at: ago(86_400 * 40),
    applied_commit: commit,
    fetched_commit: commit,
    lock_reason: null,
    offline_since: null,
    spool_pending: 0,
    clock_offset_ms: 12,
    instances: 4,
    ...more,
  };
}

function makeEndpoints(): Endpoint[] {
  return [
    makeEndpoint("db-1"),
    makeEndpoint("db-2", {
      applied_commit: "91bb02f3a17d58a6c0e91f24d7b8a35e6c1f0d92",
      last_seen_at: ago(3),
    }),
    makeEndpoint("build-mac", { platform: "darwin", arch: "arm64", labels: { role: "ci" }, instances: 1 }),
    makeEndpoint("fin-win-2022", {
      platform: "windows",
      state: "offline",
      last_seen_at: ago(5400),
      labels: { role: "finance", env: "prod", site: "leeds" },
      instances: 2,
    }),
    makeEndpoint("db-3", {
      state: "locked",
      lock_reason: "its key is in use from two machines: db-3.internal and db-3-clone.internal",
      last_seen_at: ago(40),
    }),
    makeEndpoint("old-web", { state: "revoked", last_seen_at: ago(86_400 * 12), instances: 0, labels: {} }),
  ];
}

function makeJobs([db1, db2, mac, win]: Endpoint[]): Job[] {
  const at = (...places: (Endpoint | undefined)[]) => places.filter((place) => place !== undefined);
  return [
    makeJob({
      namespace: "production",
      name: "nightly-backup",
      mode: "agent",
      schedule: ["0 2 * * *"],
      timezone: "Europe/London",
      state: "failing",
      endpoints: at(db1, db2),
      labels: { team: "platform", tier: "critical" },
      lastRunAgo: 2900,
      nextIn: 7260,
      duration: 214.8,
    }),
    makeJob({
      namespace: "finance",
      name: "ledger-export",
      mode: "agent",
      schedule: ["30 6 * * 1-5"],
      timezone: "Europe/London",
      state: "stuck",
      endpoints: at(win),
      lastRunAgo: 9300,
      nextIn: 48_000,
      labels: { team: "finance" },
    }),
    makeJob({
      namespace: "production",
      name: "certificate-renewal",
      mode: "ping",
      schedule: ["0 4 * * *"],
      state: "missed",
      lastRunAgo: 40_000,
      nextIn: 31_000,
    }),
    makeJob({
      namespace: "default",
      name: "sitemap-ping-search-engines-and-rebuild-index",
      mode: "ping",
      schedule: ["every 15m"],
      state: "late",
      lastRunAgo: 1100,
      nextIn: -200,
      duration: 3.2,
    }),
    makeJob({
      namespace: "production",
      name: "vacuum-analyze",
      mode: "agent",
      schedule: ["0 */6 * * *", "30 12 * * 6"],
      state: "running",
      endpoints: at(db1, db2),
      lastRunAgo: 95,
      nextIn: 18_000,
    }),
    makeJob({
      namespace: "default",
      name: "hello",
      mode: "agent",
      schedule: ["*/5 * * * *"],
      state: "healthy",
      endpoints: at(db1),
      lastRunAgo: 130,
      nextIn: 170,
      duration: 0.041,
    }),
    makeJob({
      namespace: "production",
      name: "rotate-logs",
      mode: "agent",
      schedule: ["@hourly"],
      state: "healthy",
      endpoints: at(db1, db2),
      lastRunAgo: 1260,
      nextIn: 2340,
      duration: 1.9,
    }),
    makeJob({
      namespace: "default",
      name: "ci-cache-prune",
      mode: "agent",
      schedule: ["15 3 * * 0"],
      timezone: "America/New_York",
      state: "healthy",
      endpoints: at(mac),
      lastRunAgo: 200_000,
      nextIn: 404_000,
      duration: 4321,
    }),
    makeJob({
      namespace: "finance",
      name: "invoice-mailer",
      mode: "ping",
      schedule: ["0 9 1 * *"],
      timezone: "Asia/Kathmandu",
      state: "healthy",
      lastRunAgo: 1_814_400,
      nextIn: 777_000,
      duration: 64,
      labels: { team: "finance", owner: "billing", tier: "gold" },
    }),
    makeJob({
      namespace: "default",
      name: "weekly-digest",
      mode: "ping",
      schedule: ["0 8 * * 1"],
      state: "new",
      nextIn: 86_000,
    }),
    makeJob({
      namespace: "default",
      name: "legacy-import",
      mode: "ping",
      schedule: ["*/10 * * * *"],
      state: "paused",
      lastRunAgo: 500_000,
    }),
    makeJob({
      namespace: "production",
      name: "gpu-report",
      mode: "agent",
      schedule: ["0 7 * * *"],
      state: "none",
      endpoints: [],
      nextIn: null,
      errors: [
        {
          file: "production/gpu-report.yaml",
          line: 9,
          column: 3,
          path: "spec.timezon",
          code: "unknown_key",
          message: "`timezon` is not a key of spec.",
          hint: "Did you mean `timezone`?",
        },
      ],
    }),
  ];
}

const PAST: RunState[] = [
  "success",
  "success",
  "success",
  "failure",
  "success",
  "success",
  "timeout",
  "success",
  "success",
  "skipped",
  "success",
  "lost",
];

function addRuns(world: World): void {
  for (const [jobIndex, job] of world.jobs.entries()) {
    for (const instance of job.instances_list) {
      if (!instance.last_run) continue;
      const first = makeRun(
        job,
        instance.last_run.state,
        secondsSince(instance.last_run.started_at) ?? 40_000,
        instance.last_run.duration_seconds ?? 0,
        instance,
      );
      instance.last_run.id = first.id;
      world.runs.push(first);
      for (let index = 1; index < 30; index += 1) {
        const state =
          job.state === "failing" && index < 3
            ? "failure"
            : (PAST[(index + jobIndex * 5) % PAST.length] ?? "success");
        world.runs.push(
          makeRun(job, state, 5400 + index * 43_200 + jobIndex * 61, 8 + ((index * 37) % 90), instance),
        );
      }
    }
  }
  world.runs.sort((a, b) => ((b.started_at ?? b.slot_at ?? "") < (a.started_at ?? a.slot_at ?? "") ? -1 : 1));
  for (const run of world.runs) if (run.output) world.outputs.set(run.id, outputFor(run));
}

const secondsSince = (at: string | null) => (at ? (Date.now() - Date.parse(at)) / 1000 : null);

function makeIncidents(jobs: Job[]): IncidentDetail[] {
  const incident = (index: number, more: Partial<IncidentDetail>): IncidentDetail => {
    const job = jobs[index];
    if (!job) throw new Error(`no job ${index}`);
    const instance = job.instances_list[0];
    return {
      id: uuid(),
      kind: "failing",
      state: "open",
      severity: "critical",
      title: "",
      cause: null,
      job: { id: job.id, namespace: job.namespace, name: job.name },
      endpoint: instance?.endpoint ?? null,
      instance_id: instance?.id ?? null,
      opened_at: ago(2680),
      resolved_at: null,
      acknowledged_at: null,
      acknowledged_by: null,
      snoozed_until: null,
      channel_id: null,
      parent_id: null,
      children: 0,
      muted: false,
      flapping: false,
      events: [],
      ...more,
    };
  };
  const offline = incident(1, {
    kind: "endpoint_offline",
    title: "fin-win-2022 is offline",
    cause: "No heartbeat for 90 min. 2 jobs expected there have missed runs since.",
    job: null,
    instance_id: null,
    severity: "error",
    opened_at: ago(5400),
    children: 2,
    events: [
      { at: ago(5400), kind: "opened", message: "No heartbeat since 06:12." },
      { at: ago(5399), kind: "notified", message: "Email to acme@example.com" },
      {
        at: ago(3000),
        kind: "commented",
        message: "ada: power is out in Leeds,\nthe electrician comes at 9.",
      },
      { at: ago(1800), kind: "reminded", message: "Email to acme@example.com" },
    ],
  });
  const part = (index: number, title: string) =>
    incident(index, {
      ...{ kind: "missed", title, parent_id: offline.id, endpoint: offline.endpoint, opened_at: ago(4000) },
      events: [
        { at: ago(4000), kind: "opened", message: "No check-in by the deadline." },
        { at: ago(4000), kind: "folded", message: "Part of: fin-win-2022 is offline." },
      ],
    });
  return [
    offline,
    part(1, "finance/ledger-export was missed on fin-win-2022"),
    part(8, "finance/invoice-mailer was missed on fin-win-2022"),
    incident(0, {
      title: "production/nightly-backup is failing on db-1",
      cause: "Exit code 3 three times in a row: upload failed: 403 Forbidden (SignatureDoesNotMatch).",
      events: [
        { at: ago(2680), kind: "opened", message: "The run of 02:00 ended with exit code 3." },
        { at: ago(2678), kind: "notified", message: "Email to acme@example.com" },
        {
          at: ago(2677),
          kind: "notify_failed",
          message: "Slack #ops answered 404 channel_not_found. Check the channel's name in the route.",
        },
      ],
    }),
    incident(1, {
      kind: "stuck",
      title: "finance/ledger-export is stuck on fin-win-2022",
      cause: "Started 06:30 and has not finished; its timeout is 1 h.",
      opened_at: ago(5700),
      events: [
        { at: ago(5700), kind: "opened", message: "Running longer than 1 h." },
        { at: ago(5698), kind: "notified", message: "Email to acme@example.com" },
      ],
    }),
    incident(2, {
      kind: "missed",
      title: "production/certificate-renewal was missed",
      cause: "Due 04:00, nothing heard by 04:10.",
      severity: "warning",
      flapping: true,
      muted: true,
      opened_at: ago(39_400),
      events: [{ at: ago(39_400), kind: "opened", message: "No check-in by the deadline." }],
    }),
    incident(6, {
      kind: "missed",
      state: "resolved",
      title: "production/rotate-logs was missed on db-2",
      opened_at: ago(300_000),
      resolved_at: ago(296_300),
      events: [
        { at: ago(300_000), kind: "opened", message: "No check-in by the deadline." },
        { at: ago(299_998), kind: "notified", message: "Email to acme@example.com" },
        { at: ago(296_300), kind: "resolved", message: "A run came and was good." },
        { at: ago(296_299), kind: "notified", message: "Email to acme@example.com" },
      ],
    }),
  ];
}

export function usualWorld(): World {
  const world = emptyWorld();
  if (world.session) {
    world.people = usualPeople(world.session);
    world.session.tenants = [...world.people.tenants];
  }
  world.endpoints = makeEndpoints();
  world.jobs = makeJobs(world.endpoints);
  fillRepository(world, world.endpoints);
  addRuns(world);
  world.incidents = makeIncidents(world.jobs);
  world.alerting = usualAlerting(world.incidents.filter(({ parent_id }) => !parent_id).slice(1));
  world.tokens = [
    {
      id: uuid(),
      name: "ci",
      hint: "ctp_user_…x7Qa",
      scopes: ["jobs:read", "jobs:write"],
      created_at: ago(86_400 * 20),
      expires_at: ago(-86_400 * 70),
      last_used_at: ago(340),
    },
    {
      id: uuid(),
      name: "laptop",
      hint: "ctp_user_…9fKd",
      scopes: ["jobs:read", "jobs:write", "runs:read", "checkins:write", "endpoints:manage"],
      created_at: ago(86_400 * 3),
      expires_at: null,
      last_used_at: null,
    },
    {
      id: uuid(),
      name: "grafana",
      hint: "ctp_user_…p0Lm",
      scopes: ["runs:read"],
      created_at: ago(86_400 * 95),
      expires_at: ago(86_400 * 5),
      last_used_at: ago(86_400 * 6),
    },
    {
      id: uuid(),
      name: "terraform",
      hint: "ctp_user_…Zz4T",
      scopes: ["jobs:read", "endpoints:manage"],
      created_at: ago(86_400 * 41),
      expires_at: ago(-86_400 * 9),
      last_used_at: ago(7200),
      owner: { id: uuid(), username: "grace" },
    },
  ];
  world.enrollments = [
    {
      id: uuid(),
      name: "db fleet",
      hint: "ctp_enr_…c2Wt",
      uses_left: 3,
      labels: { role: "db" },
      created_at: ago(600),
      expires_at: ago(-3000),
    },
  ];
  return world;
}

const MANY_STATES: State[] = [
  "healthy",
  "healthy",
  "healthy",
  "healthy",
  "running",
  "healthy",
  "late",
  "healthy",
  "failing",
  "new",
];

export function crowdedWorld(count = 1000): World {
  const world = usualWorld();
  const [backup] = world.jobs;
  if (backup) giveLongPast(world, backup, count);
  const spaces = ["production", "default", "finance", "reporting"];
  for (let index = world.jobs.length; index < count; index += 1) {
    world.jobs.push(
      makeJob({
        namespace: spaces[index % spaces.length] ?? "default",
        name: `batch-${String(index).padStart(4, "0")}`,
        mode: index % 3 ? "agent" : "ping",
        schedule: [`${index % 60} ${index % 24} * * *`],
        state: MANY_STATES[index % MANY_STATES.length] ?? "healthy",
        endpoints: world.endpoints.slice(index % 2, 1 + (index % 3)),
        lastRunAgo: 60 + ((index * 7919) % 86_000),
        nextIn: 30 + ((index * 104_729) % 86_000),
      }),
    );
  }
  crowdAlerting(world.alerting, count);
  const [incident] = world.incidents.slice(3);
  for (let index = 0; index < count && incident; index += 1) {
    world.incidents.push({ ...incident, id: uuid(), opened_at: ago(40_000 + index * 60) });
  }
  for (let index = 0; index < count; index += 1) {
    const job = world.jobs[index % world.jobs.length];
    if (job)
      world.runs.push(
        makeRun(job, PAST[index % PAST.length] ?? "success", 1_500_000 + index * 60, 5 + (index % 40)),
      );
  }
  return world;
}

/** Signed out, and everything that can stand between somebody and their account does. */
export function lockedWorld(): World {
  const world = usualWorld();
  world.session = null;
  world.people.options = { registration: "invite", email_verification: true, sso: { name: "Acme Login" } };
  world.people.totp = { enabled: true, recovery_codes_left: 8 };
  return world;
}
