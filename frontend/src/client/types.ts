/** The API's shapes under the names the console uses. The truth is contract/openapi.json: `make generate`. */
import type { JobMatch, RouteSpec, WindowSpec } from "./manifest-types";
import type { components, paths } from "./schema.gen";

export type { DayWindow, JobMatch, RouteSpec, WindowSpec } from "./manifest-types";

type Schemas = components["schemas"];

/** RFC 3339, UTC. */
export type Timestamp = string;

export type Page<T> = { items: T[]; next_cursor?: string | null };

export type TenantRef = Schemas["TenantOut"];
export type Session = Schemas["SessionOut"];
export type RegisterBody = Pick<Schemas["Register"], "username" | "email" | "password"> & {
  invitation?: string | undefined;
};
/** A new account is signed in at once, or its address has to be confirmed first. */
export type Registered = Session | Schemas["VerificationSent"];
export type LoginBody = Pick<Schemas["Login"], "login" | "password"> & { code?: string | undefined };
export type AuthOptions = Schemas["Options"];

/** Where one is signed in. */
export type SignIn = Schemas["SessionItem"];
export type Totp = Schemas["TotpOut"];
export type TotpSecret = Schemas["TotpSecret"];
export type RecoveryCodes = Schemas["RecoveryCodes"];
export type Activity = Schemas["ActivityItem"];

export type Tenant = Schemas["TenantSeen"];
export type Role = Tenant["role"];
/** From the one that may do least. */
export const ROLES = ["viewer", "editor", "admin", "owner"] as const satisfies readonly Role[];
export type Member = Schemas["MemberOut"];
export type Invitation = Schemas["InvitationOut"];
export type InvitationPreview = Schemas["InvitationPreview"];
export type Usage = Schemas["UsageOut"];
export type UsageItem = Schemas["UsageItem"];
export type AuditEntry = Schemas["AuditEntryOut"];

export type Token = Schemas["TokenOut"];
export type TokenCreateBody = Schemas["NewToken"];
export type TokenCreated = Schemas["IssuedToken"];

export type State = Schemas["JobSummary"]["state"];
export type RunState = Schemas["RunOut"]["state"];
export type Mode = Schemas["JobSummary"]["mode"];

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
] as const satisfies readonly State[];
export const RUN_STATES = [
  "running",
  "success",
  "failure",
  "timeout",
  "missed",
  "lost",
  "skipped",
] as const satisfies readonly RunState[];

export type RunBrief = Schemas["RunBrief"];
export type ManifestError = Schemas["ErrorDetail"];
export type JobRef = Schemas["JobRef"];
export type EndpointRef = Schemas["EndpointRef"];
export type JobSummary = Schemas["JobSummary"];
export type Job = Schemas["JobOut"];
export type Condition = Schemas["ConditionOut"];
export type Instance = Schemas["InstanceOut"];
export type NextRuns = Schemas["NextRuns"];
export type ClockChange = Schemas["ClockChange"];
export type Namespace = Schemas["NamespaceOut"];

/** A version of a job's file. */
export type Version = Schemas["CommitOut"];
export type VersionAction = Version["action"];
export type VersionDiff = Schemas["DiffOut"];

/** What a change would do. */
export type Plan = Schemas["PlanOut"];
export type JobChange = Schemas["JobChange"];
export type FileChange = Schemas["FileChange"];
export type FieldChange = Schemas["FieldChange"];

/** By its place: there is more than one RepositoryOut in the API. */
export type Repository = paths["/api/v1/repository"]["get"]["responses"][200]["content"]["application/json"];
export type InvalidFile = Schemas["InvalidFileOut"];
export type RepositoryDocument = Schemas["DocumentOut"];
export type DocumentKind = RepositoryDocument["kind"];
export type Signers = Schemas["SignersOut"];

export type ImportKind = Schemas["ImportIn"]["kind"];
export type ImportBody = Pick<Schemas["ImportIn"], "kind"> & Partial<Schemas["ImportIn"]>;
export type Imported = Schemas["ImportOut"];
export type ImportedJob = Schemas["ImportedJobOut"];

export type Run = Schemas["RunOut"];

export type Uptime = Schemas["UptimeOut"];
export type JobBadge = Schemas["BadgeOut"];
export type JobReport = Schemas["JobReport"];
export type EndpointReport = Schemas["EndpointReport"];
/** How runs of a span of days went. */
export type Counts = Omit<JobReport, "job">;

export type Endpoint = Schemas["EndpointOut"];
export type EndpointState = Endpoint["state"];
export type EnrollmentToken = Schemas["EnrollmentTokenOut"];
export type EnrollmentTokenBody = Partial<Schemas["NewEnrollmentToken"]>;
export type EnrollmentTokenCreated = Schemas["IssuedEnrollmentToken"];

export type Incident = Schemas["IncidentOut"];
export type IncidentState = Incident["state"];
export type IncidentKind = Incident["kind"];
export type Severity = Incident["severity"];
export type IncidentEvent = Schemas["IncidentEventOut"];
export type IncidentDetail = Schemas["IncidentDetail"];
/** Worst first. */
export const SEVERITIES = ["critical", "error", "warning", "info"] as const satisfies readonly Severity[];
export const INCIDENT_KINDS = [
  "failing",
  "missed",
  "stuck",
  "too_often",
  "slow",
  "endpoint_offline",
  "sync_stalled",
  "drifted",
  "clone_suspected",
  "repository_invalid",
  "outage",
  "channel_failing",
] as const satisfies readonly IncidentKind[];

export type Channel = Schemas["ChannelOut"];
export type ChannelKind = Channel["kind"];
export type ChannelState = Channel["state"];
export type ChannelBody = {
  name: string;
  default: boolean;
  per_minute: number;
  config: { kind: ChannelKind } & Record<string, unknown>;
};
/** `signing_secret`: of a webhook, when it was made by the server. Shown this once. */
export type ChannelMade = Schemas["MadeChannel"];
export type ChannelTest = Schemas["TestOut"];

export type Delivery = Schemas["DeliveryOut"];
export type DeliveryState = Delivery["state"];
export const DELIVERY_STATES = ["pending", "sent", "failed"] as const satisfies readonly DeliveryState[];
export type DeliveryDetail = Schemas["DeliveryDetail"];
export type Attempt = Schemas["AttemptOut"];

export type AlertRoute = Omit<Schemas["RouteOut"], "spec"> & { spec: RouteSpec };
export type RouteTestBody = { at?: string | undefined } & (
  | { job: string; kind?: IncidentKind | undefined; severity?: Severity | undefined }
  | { kind: IncidentKind; severity: Severity; namespace: string; labels: Record<string, string> }
);
export type RouteTest = Schemas["RouteTestOut"];
export type RouteTestTarget = RouteTest["targets"][number];

export type MaintenanceWindow = Omit<Schemas["WindowOut"], "spec"> & { spec: WindowSpec };
export type NewWindow = {
  match: JobMatch;
  reason?: string | undefined;
  start?: string | undefined;
  duration_seconds: number;
};

export type ProblemBody = Schemas["Problem"];

export const TOPICS = ["jobs", "runs", "incidents", "endpoints"] as const;
export type Topic = (typeof TOPICS)[number];
