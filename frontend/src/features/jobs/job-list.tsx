import { Link } from "@tanstack/react-router";
import { CircleAlert, TriangleAlert } from "lucide-react";
import type { JobSummary } from "@/client/types";
import { JobAddress, ModeTag } from "@/components/domain/bits";
import { policyOf } from "@/components/domain/manifest-errors";
import { RunBadge, STATE_LOOKS, StateBadge } from "@/components/domain/status";
import { type Column, DataList, rowLinkClass } from "@/components/ui/data-list";
import { Duration, Time } from "@/components/ui/time";
import { now } from "@/lib/clock";
import { plural } from "@/lib/format";
import { DISCOVERED } from "./search";

function Schedule({ job }: { job: JobSummary }) {
  const [first = "", ...rest] = job.schedule;
  return (
    <div className="min-w-0" title={`${job.schedule.join("; ")} (${job.timezone})`}>
      <div className="truncate font-mono text-xs">
        {first}
        {rest.length > 0 && <span className="text-subtle"> +{rest.length}</span>}
      </div>
      <div className="truncate text-subtle text-xs max-md:hidden">{job.timezone}</div>
    </div>
  );
}

function Instances({ job }: { job: JobSummary }) {
  const { total, by_state } = job.instances;
  if (job.mode === "ping" || total === 0) return null;
  const bad = (["failing", "stuck", "missed", "late"] as const).filter((state) => by_state[state]);
  const words = bad.map((state) => `${by_state[state]} ${STATE_LOOKS[state].word.toLowerCase()}`).join(", ");
  return (
    <span className="text-subtle text-xs">
      {plural(total, "endpoint")}
      {words && total > 1 && <span className="text-muted"> · {words}</span>}
    </span>
  );
}

function Violations({ job }: { job: JobSummary }) {
  const policies = [...new Set(job.violations.map((violation) => policyOf(violation) ?? "a policy"))];
  if (policies.length === 0) return null;
  return (
    <span
      title={job.violations.map(({ message }) => message).join("\n")}
      className="inline-flex min-w-0 items-center gap-1 font-medium text-warn"
    >
      <TriangleAlert aria-hidden className="size-3.5 shrink-0" />
      <span className="truncate">Breaks {policies.join(", ")}</span>
    </span>
  );
}

/** Above the row's own link. */
function Adopt({ job }: { job: JobSummary }) {
  return (
    <Link
      to="/jobs/$namespace/$name"
      params={{ namespace: job.namespace, name: job.name }}
      search={{ adopt: true }}
      className="relative z-10 rounded-sm font-medium text-accent-text underline-offset-2 hover:underline"
    >
      Adopt<span className="sr-only"> {job.name}</span>
    </Link>
  );
}

function Name({ job }: { job: JobSummary }) {
  return (
    <div className="min-w-0">
      <Link
        to="/jobs/$namespace/$name"
        params={{ namespace: job.namespace, name: job.name }}
        className={`${rowLinkClass} block truncate`}
        title={`${job.namespace}/${job.name}`}
      >
        <JobAddress job={job} />
      </Link>
      <div className="flex flex-wrap items-center gap-x-2 gap-y-0.5 text-xs">
        <ModeTag mode={job.mode} />
        <Instances job={job} />
        {job.errors.length > 0 && (
          <span className="inline-flex items-center gap-1 font-medium text-bad">
            <CircleAlert aria-hidden className="size-3.5" /> Manifest invalid
          </span>
        )}
        <Violations job={job} />
        {job.namespace === DISCOVERED && <Adopt job={job} />}
      </div>
    </div>
  );
}

function LastRun({ job }: { job: JobSummary }) {
  const run = job.last_run;
  if (!run) return <span className="text-subtle">No runs yet</span>;
  return (
    <div className="flex items-center gap-2 md:block">
      <span className="flex items-center gap-2">
        <RunBadge state={run.state} />
        <span className="text-subtle text-xs">
          <Duration seconds={run.duration_seconds} since={run.state === "running" ? run.started_at : null} />
        </span>
      </span>
      <Time at={run.finished_at ?? run.started_at} none="" className="tabular pl-0.5 text-subtle text-xs" />
    </div>
  );
}

function NextRun({ at }: { at: string | null }) {
  const due = at !== null && Date.parse(at) < now();
  return (
    <span className={due ? "text-warn" : undefined}>
      {due ? "due " : at && <span className="md:hidden">next </span>}
      <Time at={at} none="No next run" />
    </span>
  );
}

const COLUMNS: Column<JobSummary>[] = [
  {
    id: "state",
    header: "Status",
    className: "max-md:order-2 max-md:ml-auto",
    cell: (job) => <StateBadge state={job.state} />,
  },
  {
    id: "name",
    header: "Job",
    className: "max-md:order-1 max-md:flex-1 max-md:basis-1/2",
    cell: (job) => <Name job={job} />,
  },
  {
    id: "schedule",
    header: "Schedule",
    className: "max-md:order-4 max-md:basis-auto",
    cell: (job) => <Schedule job={job} />,
  },
  {
    id: "next",
    header: "Next run",
    className: "tabular max-md:order-5 text-muted max-md:text-xs",
    cell: (job) => <NextRun at={job.next_run_at} />,
  },
  {
    id: "last",
    header: "Last run",
    className: "max-md:order-6 max-md:basis-full",
    cell: (job) => <LastRun job={job} />,
  },
];

export function JobList({ jobs }: { jobs: JobSummary[] }) {
  return (
    <DataList
      label="Jobs"
      columns={COLUMNS}
      items={jobs}
      rowKey={(job) => job.id}
      grid="md:grid-cols-[7.5rem_minmax(0,2.2fr)_minmax(0,1.3fr)_7rem_10.5rem]"
    />
  );
}
