import { request, requestText } from "./http";
import type {
  Endpoint,
  EndpointReport,
  EnrollmentToken,
  EnrollmentTokenBody,
  EnrollmentTokenCreated,
  ImportBody,
  Imported,
  Incident,
  IncidentDetail,
  IncidentKind,
  IncidentState,
  Instance,
  Job,
  JobBadge,
  JobReport,
  JobSummary,
  LoginBody,
  Namespace,
  NextRuns,
  Page,
  Plan,
  RegisterBody,
  Registered,
  Repository,
  RepositoryDocument,
  Run,
  RunState,
  Session,
  Severity,
  Signers,
  State,
  Token,
  TokenCreateBody,
  TokenCreated,
  Uptime,
  Version,
  VersionDiff,
} from "./types";

export type Paging = { limit?: number; cursor?: string | undefined };
/** Days, `YYYY-MM-DD`. */
type Span = { from: string; to: string };
export type Signal = AbortSignal | undefined;

export type JobFilter = { namespace?: string | undefined; state?: State | undefined; q?: string | undefined };
export type RunFilter = {
  /** `namespace/name` */
  job?: string | undefined;
  namespace?: string | undefined;
  /** `key=value`, all of them */
  label?: readonly string[] | undefined;
  endpoint_id?: string | undefined;
  state?: RunState | undefined;
  since?: string | undefined;
  until?: string | undefined;
};

export type IncidentFilter = {
  state?: IncidentState | undefined;
  kind?: IncidentKind | undefined;
  severity?: Severity | undefined;
  /** `namespace/name` */
  job?: string | undefined;
  endpoint?: string | undefined;
  /** Those that are a part of this one. */
  parent?: string | undefined;
  /** Without those that are a part of another one. */
  top?: true | undefined;
};

const seg = encodeURIComponent;
export const jobPath = (namespace: string, name: string) => `/jobs/${seg(namespace)}/${seg(name)}`;

export const api = {
  register: (json: RegisterBody) => request<Registered>("/auth/register", { method: "POST", json }),
  login: (json: LoginBody) => request<Session>("/auth/login", { method: "POST", json }),
  logout: () => request<void>("/auth/logout", { method: "POST" }),
  me: (signal?: Signal) => request<Session>("/auth/me", { signal }),

  /** One's own; with `all` everybody's in the tenant. */
  tokens: (all: boolean, paging: Paging, signal?: Signal) =>
    request<Page<Token>>("/tokens", { query: { all: all ? "true" : undefined, ...paging }, signal }),
  createToken: (json: TokenCreateBody) => request<TokenCreated>("/tokens", { method: "POST", json }),
  rotateToken: (id: string, overlap_seconds: number) =>
    request<TokenCreated>(`/tokens/${seg(id)}/rotate`, { method: "POST", json: { overlap_seconds } }),
  deleteToken: (id: string) => request<void>(`/tokens/${seg(id)}`, { method: "DELETE" }),

  jobs: (filter: JobFilter, paging: Paging, signal?: Signal) =>
    request<Page<JobSummary>>("/jobs", { query: { ...filter, ...paging }, signal }),
  job: (namespace: string, name: string, signal?: Signal) =>
    request<Job>(jobPath(namespace, name), { signal }),
  nextRuns: (namespace: string, name: string, count: number, signal?: Signal) =>
    request<NextRuns>(`${jobPath(namespace, name)}/next-runs`, { query: { count }, signal }),
  history: (namespace: string, name: string, paging: Paging, signal?: Signal) =>
    request<Page<Version>>(`${jobPath(namespace, name)}/history`, { query: paging, signal }),
  /** Against the version before it. */
  diff: (namespace: string, name: string, to: string, signal?: Signal) =>
    request<VersionDiff>(`${jobPath(namespace, name)}/diff`, { query: { to }, signal }),
  planImport: (json: ImportBody) =>
    request<Imported>("/jobs:import", { method: "POST", query: { dry_run: "true" }, json }),
  importJobs: (json: ImportBody) => request<Imported>("/jobs:import", { method: "POST", json }),
  uptime: (namespace: string, name: string, days: number, signal?: Signal) =>
    request<Uptime>(`${jobPath(namespace, name)}/uptime`, { query: { days }, signal }),
  badge: (namespace: string, name: string, signal?: Signal) =>
    request<JobBadge>(`${jobPath(namespace, name)}/badge`, { signal }),
  namespaces: (signal?: Signal) => request<Page<Namespace>>("/namespaces", { query: { limit: 200 }, signal }),
  instances: (filter: { job?: string; endpoint_id?: string }, paging: Paging, signal?: Signal) =>
    request<Page<Instance>>("/instances", { query: { ...filter, ...paging }, signal }),

  repository: (signal?: Signal) => request<Repository>("/repository", { signal }),
  documents: (signal?: Signal) => request<Page<RepositoryDocument>>("/documents", { signal }),
  signers: (signal?: Signal) => request<Signers>("/signers", { signal }),
  planOf: (ref: string, signal?: Signal) => request<Plan>("/plan", { query: { ref }, signal }),

  runs: (filter: RunFilter, paging: Paging, signal?: Signal) =>
    request<Page<Run>>("/runs", { query: { ...filter, ...paging }, signal }),
  run: (id: string, signal?: Signal) => request<Run>(`/runs/${seg(id)}`, { signal }),
  runOutput: (id: string, signal?: Signal) => requestText(`/runs/${seg(id)}/output`, { signal }),

  /** Days in UTC, both included. The API gives everything at once so far; a cursor is sent only if it gave one. */
  jobReport: (span: Span, cursor: string | undefined, signal?: Signal) =>
    request<Page<JobReport>>("/reports/jobs", { query: { ...span, cursor }, signal }),
  endpointReport: (span: Span, cursor: string | undefined, signal?: Signal) =>
    request<Page<EndpointReport>>("/reports/endpoints", { query: { ...span, cursor }, signal }),

  endpoints: (paging: Paging, signal?: Signal) =>
    request<Page<Endpoint>>("/endpoints", { query: paging, signal }),
  revokeEndpoint: (id: string) => request<void>(`/endpoints/${seg(id)}`, { method: "DELETE" }),
  enrollmentTokens: (signal?: Signal) =>
    request<Page<EnrollmentToken>>("/enrollment-tokens", { query: { limit: 200 }, signal }),
  createEnrollmentToken: (json: EnrollmentTokenBody) =>
    request<EnrollmentTokenCreated>("/enrollment-tokens", { method: "POST", json }),
  deleteEnrollmentToken: (id: string) => request<void>(`/enrollment-tokens/${seg(id)}`, { method: "DELETE" }),

  unlockEndpoint: (id: string) => request<Endpoint>(`/endpoints/${seg(id)}/unlock`, { method: "POST" }),

  incidents: ({ top, ...filter }: IncidentFilter, paging: Paging, signal?: Signal) =>
    request<Page<Incident>>("/incidents", {
      query: { ...filter, top: top ? "true" : undefined, ...paging },
      signal,
    }),
  incident: (id: string, signal?: Signal) => request<IncidentDetail>(`/incidents/${seg(id)}`, { signal }),
  acknowledge: (id: string) => request<Incident>(`/incidents/${seg(id)}/acknowledge`, { method: "POST" }),
  snooze: (id: string, duration_seconds: number) =>
    request<Incident>(`/incidents/${seg(id)}/snooze`, { method: "POST", json: { duration_seconds } }),
  respond: (id: string, act: "mute" | "unmute" | "resolve") =>
    request<Incident>(`/incidents/${seg(id)}/${act}`, { method: "POST", json: {} }),
  comment: (id: string, text: string) =>
    request<Incident>(`/incidents/${seg(id)}/comment`, { method: "POST", json: { text } }),
};
