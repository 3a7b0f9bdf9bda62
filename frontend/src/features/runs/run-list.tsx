import { Link } from "@tanstack/react-router";
import { FileText } from "lucide-react";
import type { Run } from "@/client/types";
import { JobAddress } from "@/components/domain/bits";
import { RunBadge } from "@/components/domain/status";
import { type Column, DataList, rowLinkClass } from "@/components/ui/data-list";
import { Duration, Time } from "@/components/ui/time";
import { cn } from "@/lib/cn";
import { beganAt } from "./began";

function When({ run }: { run: Run }) {
  const at = beganAt(run);
  return <Time at={at} className="tabular" />;
}

function Result({ run }: { run: Run }) {
  if (run.exit_code !== null) {
    return (
      <span className={cn("tabular", run.exit_code === 0 ? "text-subtle" : "text-text")}>
        exit {run.exit_code}
      </span>
    );
  }
  return <span className="text-subtle">–</span>;
}

const state: Column<Run> = {
  id: "state",
  header: "Result",
  className: "max-md:order-2 max-md:ml-auto",
  cell: (run) => <RunBadge state={run.state} />,
};
const rest: Column<Run>[] = [
  {
    id: "endpoint",
    header: "Endpoint",
    className: "truncate text-muted max-md:order-5 max-md:text-xs",
    cell: (run) => run.endpoint?.name ?? <span className="text-subtle">{run.source}</span>,
  },
  {
    id: "duration",
    header: "Duration",
    className: "text-muted max-md:order-5 max-md:text-xs",
    cell: (run) => (
      <Duration seconds={run.duration_seconds} since={run.state === "running" ? run.started_at : null} />
    ),
  },
  {
    id: "exit",
    header: "Exit code",
    className: "max-md:order-6 max-md:text-xs",
    cell: (run) => <Result run={run} />,
  },
  {
    id: "output",
    header: "Output",
    className: "text-subtle max-md:order-8",
    cell: (run) => (run.output ? <FileText role="img" aria-label="Has output" className="size-4" /> : null),
  },
];

const withJob: Column<Run>[] = [
  state,
  {
    id: "job",
    header: "Job",
    className: "max-md:order-1 max-md:flex-1 max-md:basis-1/2",
    cell: (run) => (
      <Link to="/runs/$id" params={{ id: run.id }} className={cn(rowLinkClass, "block truncate")}>
        <JobAddress job={run.job} />
      </Link>
    ),
  },
  {
    id: "when",
    header: "Started",
    className: "text-muted max-md:order-4 max-md:text-xs",
    cell: (run) => <When run={run} />,
  },
  ...rest,
];

const ofOneJob: Column<Run>[] = [
  state,
  {
    id: "when",
    header: "Started",
    className: "max-md:order-1",
    cell: (run) => (
      <Link to="/runs/$id" params={{ id: run.id }} className={rowLinkClass}>
        <When run={run} />
        <span className="sr-only">: open run</span>
      </Link>
    ),
  },
  ...rest,
];

type Props = {
  runs: Run[] /** Leaves the job's name out where the page is about one job. */;
  oneJob?: boolean;
};

export function RunList({ runs, oneJob = false }: Props) {
  return (
    <DataList
      label="Runs"
      columns={oneJob ? ofOneJob : withJob}
      items={runs}
      rowKey={(run) => run.id}
      grid={
        oneJob
          ? "md:grid-cols-[7.5rem_minmax(0,1fr)_minmax(0,1fr)_6.5rem_5rem_3rem]"
          : "md:grid-cols-[7.5rem_minmax(0,2fr)_6.5rem_minmax(0,1fr)_6.5rem_5rem_3rem]"
      }
    />
  );
}
