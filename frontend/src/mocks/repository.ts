import { parse } from "yaml";
import type { Job, JobChange, ManifestError, Plan, Version } from "@/client/types";
import { ago, type World } from "./data";
import { daily, english } from "./schedule";
import { unifiedDiff } from "./unified";

/** A version with the file as it was; null: the commit removed it. */
export type StoredVersion = Version & { yaml: string | null };
type Manifest = { metadata?: Record<string, unknown>; spec?: Record<string, unknown> };

let commits = 0;
export function newCommit(): string {
  commits += 1;
  return (commits * 2_654_435_761).toString(16).padStart(12, "c").padEnd(40, "0a7").slice(0, 40);
}

/** Newest first. A job nobody has told a history of has one version. */
export function versionsOf(world: World, job: Job): StoredVersion[] {
  const found = world.versions.get(job.id);
  if (found) return found;
  const { commit, changed_by: author, changed_at: at, path, yaml } = job;
  const first: StoredVersion = {
    ...{ commit, author, at, path, yaml },
    author_email: `${author}@example.com`,
    message: `Add ${job.namespace}/${job.name}`,
    action: "created",
  };
  world.versions.set(job.id, [first]);
  return [first];
}

/** Takes over what a new text says. */
export function takeText(job: Job, yaml: string): void {
  const { spec = {} } = (parse(yaml) ?? {}) as Manifest;
  const schedule = [spec.schedule ?? []].flat().map(String);
  const timezone = String(spec.timezone ?? "UTC");
  const paused = spec.paused === true;
  const state = paused ? "paused" : job.state === "paused" ? "new" : job.state;
  if (state !== job.state)
    for (const instance of job.instances_list) instance.state = state === "none" ? "new" : state;
  Object.assign(job, { yaml, schedule, timezone, paused, state });
  Object.assign(job, { schedule_text: english(schedule, timezone), violations: warningsFor(job.path, yaml) });
}

export function commitTo(
  world: World,
  job: Job,
  action: Version["action"],
  message: string,
  yaml: string | null,
): void {
  const before = versionsOf(world, job);
  const commit = newCommit();
  const author = world.session?.user.username ?? "acme";
  const at = ago(0);
  world.versions.set(job.id, [
    {
      ...{ commit, author, at, message, action, yaml },
      author_email: `${author}@example.com`,
      path: job.path,
    },
    ...before,
  ]);
  Object.assign(job, {
    commit,
    changed_by: author,
    changed_at: at,
    updated_at: at,
    etag: `"${commit.slice(0, 12)}"`,
  });
  if (yaml !== null) takeText(job, yaml);
}

function flat(data: unknown, prefix = ""): [string, unknown][] {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return [[prefix.slice(0, -1), data]];
  return Object.entries(data).flatMap(([key, value]) => flat(value, `${prefix}${key}.`));
}

function fieldsBetween(before: string | null, after: string | null): JobChange["fields"] {
  if (before === null || after === null) return [];
  const [old, now] = [before, after].map((text) => new Map(flat(parse(text))));
  const places = new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])]);
  return [...places]
    .map((path) => ({ path, before: old?.get(path) ?? null, after: now?.get(path) ?? null }))
    .filter((field) => JSON.stringify(field.before) !== JSON.stringify(field.after));
}

function placesOf(world: World, yaml: string | null) {
  const spec = yaml === null ? undefined : (parse(yaml) as Manifest)?.spec;
  const labels = (spec?.selector as { matchLabels?: Record<string, string> } | undefined)?.matchLabels;
  if (!spec?.command || !labels) return [];
  return world.endpoints
    .filter(
      ({ state, labels: has }) =>
        state !== "revoked" && Object.entries(labels).every(([k, v]) => has[k] === v),
    )
    .map(({ id, name }) => ({ id, name }));
}

function policyError(
  path: string,
  yaml: string,
  word: RegExp,
  more: Partial<ManifestError>,
): ManifestError[] {
  const index = yaml.split("\n").findIndex((line) => word.test(line));
  if (index < 0) return [];
  return [{ code: "policy", message: "", file: path, line: index + 1, column: 3, ...more }];
}

/** Two policies of the mock world: one that only warns, one that refuses. */
export const warningsFor = (path: string, yaml: string): ManifestError[] =>
  policyError(path, yaml, /^ {2}user: root/, {
    ...{ policy: "no-root", enforcement: "warn", path: "spec.user", code: "user_not_allowed" },
    message: "The user root is not among those allowed: backup, www-data.",
  });
const refusalsFor = (path: string, yaml: string): ManifestError[] =>
  policyError(path, yaml, /schedule: "?(\* |every 1m)/, {
    ...{ policy: "min-interval", enforcement: "enforce", path: "spec.schedule", code: "interval_too_short" },
    message: "It runs every minute; the shortest interval allowed is 5m.",
  });

export type FileEdit = { job: Job; before: string | null; after: string | null; from?: string };

function changeOf(world: World, { job, before, after, from = job.path }: FileEdit): JobChange {
  const [was, will] = [placesOf(world, before), placesOf(world, after)];
  const not = (list: typeof was) => (each: { id: string }) => !list.some(({ id }) => id === each.id);
  const spec = after === null ? {} : ((parse(after) as Manifest)?.spec ?? {});
  const timezone = String(spec.timezone ?? "UTC");
  const action =
    before === null ? "added" : after === null ? "removed" : from === job.path ? "changed" : "moved";
  return {
    ...{ action, id: job.id, namespace: job.namespace, name: job.name, path: job.path },
    moved_from: from === job.path ? null : from,
    fields: fieldsBetween(before, after),
    endpoints_gained: will.filter(not(was)),
    endpoints_lost: was.filter(not(will)),
    endpoints_kept: will.filter((each) => !not(was)(each)),
    schedule_text: after === null ? null : english([spec.schedule ?? []].flat().map(String), timezone),
    next_runs: after === null || spec.paused ? [] : daily(new Date(Date.now() + 9_000_000), timezone, 3),
    diff: unifiedDiff(before, after, from, job.path),
  };
}

/** What the edits would do, as the server tells it. */
export function planFor(world: World, edits: FileEdit[], more: Partial<Plan> = {}): Plan {
  const changes = edits.filter((each) => each.before !== each.after).map((each) => changeOf(world, each));
  const count = (action: JobChange["action"]) => changes.filter((change) => change.action === action).length;
  const texts = edits.flatMap(({ job, after }) => (after === null ? [] : [[job.path, after] as const]));
  const errors = texts.flatMap(([path, text]) => refusalsFor(path, text));
  const touched = changes.flatMap((c) => [...c.endpoints_gained, ...c.endpoints_lost, ...c.endpoints_kept]);
  return {
    base: "4f2a9c1e7b3d58a6c0e91f24d7b8a35e6c1f0d92",
    applicable: errors.length === 0,
    summary: {
      added: count("added"),
      changed: count("changed"),
      removed: count("removed"),
      moved: count("moved"),
    },
    changes,
    files: [],
    endpoints: [...new Map(touched.map((each) => [each.id, each])).values()],
    errors,
    warnings: texts.flatMap(([path, text]) => warningsFor(path, text)),
    conflicts: [],
    ...more,
  };
}
