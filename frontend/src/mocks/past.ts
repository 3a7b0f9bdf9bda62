import type { Endpoint, Job, ManifestError, RepositoryDocument } from "@/client/types";
import { ago, makeJob, type World } from "./data";
import { newCommit, planFor, type StoredVersion, takeText } from "./repository";

const DAY = 86_400;

type Step = { author: string; days: number; message: string; edit: (yaml: string) => string };

const STEPS: Step[] = [
  {
    ...{
      author: "ada",
      days: 3,
      message: "Back up to the new bucket\n\nThe old one is read-only from December on.",
    },
    edit: (yaml) => yaml.replace("s3://acme-old", "s3://acme-backups"),
  },
  {
    ...{ author: "grace", days: 19, message: "nightly-backup: give it an hour" },
    edit: (yaml) => yaml.replace("timeout: 30m", "timeout: 1h"),
  },
  {
    ...{ author: "acme", days: 45, message: "Change production/nightly-backup" },
    edit: (yaml) =>
      yaml.replace('"30 1 * * *"', '"0 2 * * *"').replace("timezone: UTC", "timezone: Europe/London"),
  },
];

/** A history that ends in the job's present text. */
export function givePast(world: World, job: Job): void {
  const first = job.yaml
    .replace("timeout: 1h", "timeout: 30m\n  env: {TARGET: s3://acme-old}")
    .replace('"0 2 * * *"', '"30 1 * * *"')
    .replace(/timezone: \S+/, "timezone: UTC");
  let yaml = first;
  const version = (step: Omit<Step, "edit">, action: StoredVersion["action"]): StoredVersion => ({
    ...{ commit: newCommit(), author: step.author, message: step.message, path: job.path, action, yaml },
    author_email: `${step.author}@example.com`,
    at: ago(step.days * DAY),
  });
  const versions = [
    version({ author: "ada", days: 120, message: "Import 14 jobs from a crontab" }, "created"),
  ];
  for (const step of [...STEPS].reverse()) {
    yaml = step.edit(yaml);
    versions.unshift(version(step, "changed"));
  }
  takeText(job, yaml);
  job.commit = versions[0]?.commit ?? job.commit;
  world.versions.set(job.id, versions);
}

/** As many versions as somebody can make who lets a script change the schedule every day. */
export function giveLongPast(world: World, job: Job, count: number): void {
  const versions = Array.from({ length: count }, (_, index): StoredVersion => {
    const yaml = job.yaml.replace(/timeout: \S+/, `timeout: ${count - index}m`);
    return {
      ...{
        commit: newCommit(),
        author: "release-bot",
        author_email: "bot@example.com",
        path: job.path,
        yaml,
      },
      at: ago(index * DAY + 60),
      message: `Set the timeout to ${count - index} minutes, as the capacity planner of the platform team worked out last night`,
      action: index === count - 1 ? "created" : "changed",
    };
  });
  Object.assign(job, { commit: versions[0]?.commit, changed_by: "release-bot", changed_at: ago(60) });
  world.versions.set(job.id, versions);
}

const POLICY = `apiVersion: crontopus/v1
kind: Policy
metadata:
  name: no-root
spec:
  enforcement: warn
  match: {namespaces: [production]}
  rules:
    allowedUsers: [backup, www-data]
`;
const WINDOW = `apiVersion: crontopus/v1
kind: MaintenanceWindow
metadata:
  name: patch-night
spec:
  schedule: "0 22 * * 2"
  timezone: Europe/London
  duration: 2h
  match: {namespaces: [production]}
`;
const ROUTE = `apiVersion: crontopus/v1
kind: AlertRoute
metadata:
  name: default
spec:
  match: {}
  channels: [email-owners]
`;

function document(
  kind: RepositoryDocument["kind"],
  name: string,
  folder: string,
  yaml: string,
): RepositoryDocument {
  return {
    ...{ kind, name, yaml, path: `.crontopus/${folder}/${name}.yaml`, manifest: {}, etag: `"${name}"` },
    commit: "4f2a9c1e7b3d58a6c0e91f24d7b8a35e6c1f0d92",
    changed_by: "grace",
    changed_at: ago(12 * DAY),
  };
}

const WRONG: ManifestError = {
  ...{ file: "production/gpu-report.yaml", line: 9, column: 3, path: "spec.timezon", code: "unknown_key" },
  message: "`timezon` is not a key of spec.",
  hint: "Did you mean `timezone`?",
};

/** What a branch would do: several jobs, a policy, a warning. */
function branch(world: World): void {
  const [backup, logs] = ["nightly-backup", "rotate-logs"].map((name) =>
    world.jobs.find((job) => job.name === name),
  );
  if (!backup || !logs) return;
  const fresh = makeJob({
    namespace: "production",
    name: "wal-archive",
    mode: "agent",
    schedule: ["*/10 * * * *"],
    state: "new",
  });
  const plan = planFor(
    world,
    [
      { job: fresh, before: null, after: fresh.yaml.replace("timeout: 1h", "timeout: 5m\n  user: root") },
      {
        job: backup,
        before: backup.yaml,
        after: backup.yaml.replace("role: db", "role: ci").replace("0 2", "15 2"),
      },
      { job: logs, before: logs.yaml, after: null },
    ],
    {
      files: [
        {
          action: "changed",
          path: ".crontopus/policies/no-root.yaml",
          kind: "Policy",
          diff: "@@ -6,1 +6,1 @@\n-  enforcement: warn\n+  enforcement: enforce\n",
        },
      ],
    },
  );
  world.branches.set("tidy-up", plan);
  world.branches.set("old-branch", {
    ...plan,
    applicable: false,
    conflicts: ["production/nightly-backup.yaml"],
  });
}

/** All that the repository holds beside jobs as they are. */
export function fillRepository(world: World, places: Endpoint[]): void {
  const [backup] = world.jobs;
  if (backup) givePast(world, backup);
  const vacuum = world.jobs.find(({ name }) => name === "vacuum-analyze");
  if (vacuum) takeText(vacuum, vacuum.yaml.replace("  timeout:", "  user: root\n  timeout:"));
  const found = makeJob({
    ...{
      namespace: "discovered",
      name: "db-1-certbot-renew",
      mode: "agent",
      schedule: ["17 3 * * *"],
      state: "new",
    },
    endpoints: places.slice(0, 1),
    command: "/usr/bin/certbot",
  });
  world.jobs.push(found);
  world.documents = [
    document("AlertRoute", "default", "routes", ROUTE),
    document("MaintenanceWindow", "patch-night", "windows", WINDOW),
    document("Policy", "no-root", "policies", POLICY),
  ];
  world.invalid = [
    {
      path: "production/gpu-report.yaml",
      commit_id: newCommit(),
      changed_by: "ada",
      changed_at: ago(5400),
      errors: [WRONG],
    },
  ];
  branch(world);
}
