/**
 * The API's shapes, written by hand from the working brief until contract/openapi.json exists.
 * `npm run generate` then writes schema.gen.ts and this file shrinks to
 * `export type Job = components["schemas"]["Job"]` and so on; nothing else has to change.
 */

/** RFC 3339, UTC. */
export type Timestamp = string;

export type Page<T> = { items: T[]; next_cursor: string | null };

export type TenantRef = { id: string; slug: string; name: string; role: string };

export type Session = {
  user: { id: string; username: string; email: string };
  tenant: TenantRef;
  tenants: TenantRef[];
  repository: { clone_url: string; branch: string };
  scopes: string[];
  token: string | null;
};

export type RegisterBody = { username: string; email: string; password: string };
export type LoginBody = { login: string; password: string };

export type Token = {
  id: string;
  name: string;
  hint: string;
  scopes: string[];
  created_at: Timestamp;
  expires_at: Timestamp | null;
  last_used_at: Timestamp | null;
};
export type TokenCreateBody = { name: string; scopes?: string[]; expires_in_seconds?: number };
export type TokenCreated = { token: Token; secret: string };

/** Worst first. `none`: a job without instances. */
export const STATES = [
  "failing",
  "stuck",
  "missed",
  "late",
  "running",
  "healthy",
  "new",
  "paused",
  "none",
] as const;
export type State = (typeof STATES)[number];

export const RUN_STATES = ["running", "success", "failure", "timeout", "missed", "lost", "skipped"] as const;
export type RunState = (typeof RUN_STATES)[number];

export type Mode = "agent" | "ping";

export type RunBrief = {
  id: string;
  state: RunState;
  started_at: Timestamp | null;
  finished_at: Timestamp | null;
  duration_seconds: number | null;
  exit_code: number | null;
};

export type ManifestError = {
  file?: string;
  line?: number;
  column?: number;
  path?: string;
  code: string;
  message: string;
  hint?: string;
};

export type JobRef = { id: string; namespace: string; name: string };
export type EndpointRef = { id: string; name: string };

export type JobSummary = JobRef & {
  mode: Mode;
  schedule: string[];
  timezone: string;
  enabled: boolean;
  paused: boolean;
  labels: Record<string, string>;
  state: State;
  instances: { total: number; by_state: Partial<Record<State, number>> };
  next_run_at: Timestamp | null;
  last_run: RunBrief | null;
  commit: string;
  updated_at: Timestamp;
  errors: ManifestError[];
};

export type Condition = {
  type: "Ready" | "Reconciling" | "Stalled" | "Drifted" | "Suspended";
  reason: string;
  message: string;
  at: Timestamp;
};

export type Instance = {
  id: string;
  job: JobRef;
  endpoint: EndpointRef | null;
  state: State;
  since: Timestamp;
  due_at: Timestamp | null;
  deadline_at: Timestamp | null;
  last_run: RunBrief | null;
  condition: Condition | null;
};

export type Job = JobSummary & {
  manifest: Record<string, unknown>;
  yaml: string;
  path: string;
  etag: string;
  ping_url: string | null;
  description?: string;
  instances_list: Instance[];
};

export type NextRuns = { items: { at: Timestamp; local: string }[]; timezone: string };

export type Namespace = { name: string; jobs: number };

export type Run = RunBrief & {
  job: JobRef;
  instance_id: string;
  endpoint: EndpointRef | null;
  slot_at: Timestamp | null;
  source: "agent" | "ping" | "api";
  commit: string | null;
  message: string | null;
  output: { bytes: number; total_bytes: number; truncated: boolean } | null;
};

export type EndpointState = "online" | "offline" | "revoked";

export type Endpoint = {
  id: string;
  name: string;
  hostname: string;
  platform: string;
  arch: string;
  agent_version: string;
  labels: Record<string, string>;
  state: EndpointState;
  last_seen_at: Timestamp | null;
  enrolled_at: Timestamp;
  applied_commit: string | null;
  fetched_commit: string | null;
  instances: number;
};

export type EnrollmentToken = {
  id: string;
  name: string;
  hint: string;
  uses_left: number;
  labels: Record<string, string>;
  created_at: Timestamp;
  expires_at: Timestamp;
};
export type EnrollmentTokenBody = {
  name?: string;
  uses?: number;
  expires_in_seconds?: number;
  labels?: Record<string, string>;
};
export type EnrollmentTokenCreated = { token: EnrollmentToken; secret: string };

export type IncidentState = "open" | "resolved";

export type Incident = {
  id: string;
  kind: "missed" | "failing" | "stuck";
  state: IncidentState;
  severity: string;
  title: string;
  cause: string | null;
  job: JobRef | null;
  endpoint: EndpointRef | null;
  instance_id: string | null;
  opened_at: Timestamp;
  resolved_at: Timestamp | null;
};

export type IncidentEvent = {
  at: Timestamp;
  kind: "opened" | "notified" | "notify_failed" | "resolved";
  message: string;
};
export type IncidentDetail = Incident & { events: IncidentEvent[] };

export type ProblemBody = {
  type: string;
  title: string;
  status: number;
  detail?: string;
  code: string;
  hint?: string;
  errors?: ManifestError[];
};

export const TOPICS = ["jobs", "runs", "incidents", "endpoints"] as const;
export type Topic = (typeof TOPICS)[number];
