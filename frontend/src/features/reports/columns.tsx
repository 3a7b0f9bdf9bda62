import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { Counts, EndpointReport, JobReport } from "@/client/types";
import { JobAddress } from "@/components/domain/bits";
import { type Column, rowLinkClass } from "@/components/ui/data-list";
import { Duration } from "@/components/ui/time";
import { cn } from "@/lib/cn";
import { formatShare } from "@/lib/format";

const number = (count: number) => count.toLocaleString("en-GB");

/** A card on a phone has no column headers: the word stands beside the number. */
const Word = ({ children }: { children: ReactNode }) => <span className="md:hidden"> {children}</span>;

function Trouble({ count, word }: { count: number; word: string }) {
  return (
    <span className={count > 0 ? "font-medium text-bad" : "text-subtle"}>
      {number(count)}
      <Word>{word}</Word>
    </span>
  );
}

/** All that did not end well, so that the numbers of a row add up; what they were besides exit codes is told. */
function Failures({ report: { failures, timeouts, lost } }: { report: Counts }) {
  const others = [timeouts > 0 && `${number(timeouts)} timed out`, lost > 0 && `${number(lost)} lost`];
  const told = others.filter(Boolean).join(", ");
  return (
    <>
      <Trouble count={failures + timeouts + lost} word="failed" />
      {told && (
        <span className="text-subtle text-xs md:block">
          <Word>(</Word>
          {told}
          <span className="md:hidden">)</span>
        </span>
      )}
    </>
  );
}

function Rate({ rate }: { rate: number | null }) {
  if (rate === null) {
    return (
      <span className="text-subtle" title="No run came to an end or was missed">
        –
      </span>
    );
  }
  return <span className={cn("tabular", rate === 1 ? "text-ok" : "text-text")}>{formatShare(rate)}</span>;
}

const small = "tabular text-muted max-md:order-4 max-md:text-xs md:text-right";
const COUNTS: Column<Counts>[] = [
  {
    id: "runs",
    header: "Runs",
    className: small,
    cell: ({ runs }) => (
      <>
        {number(runs)}
        <Word>{runs === 1 ? "run" : "runs"}</Word>
      </>
    ),
  },
  {
    id: "rate",
    header: "Success rate",
    className: "font-medium max-md:order-2 max-md:ml-auto md:text-right md:font-normal",
    cell: ({ success_rate }) => <Rate rate={success_rate} />,
  },
  { id: "failures", header: "Failures", className: small, cell: (report) => <Failures report={report} /> },
  {
    id: "missed",
    header: "Missed",
    className: small,
    cell: ({ missed }) => <Trouble count={missed} word="missed" />,
  },
  ...(["p50", "p95"] as const).map(
    (name): Column<Counts> => ({
      id: name,
      header: name,
      className: small,
      cell: (report) => (
        <>
          <span className="md:hidden">{name} </span>
          <Duration seconds={report[`${name}_seconds`]} />
        </>
      ),
    }),
  ),
];

const nameClass = "max-md:order-1 max-md:flex-1 max-md:basis-1/2";
const linkClass = cn(rowLinkClass, "block truncate");

export const JOB_COLUMNS: Column<JobReport>[] = [
  {
    id: "job",
    header: "Job",
    className: nameClass,
    cell: ({ job }) => (
      <Link
        to="/jobs/$namespace/$name"
        params={{ namespace: job.namespace, name: job.name }}
        className={linkClass}
        title={`${job.namespace}/${job.name}`}
      >
        <JobAddress job={job} />
      </Link>
    ),
  },
  ...COUNTS,
];

export const ENDPOINT_COLUMNS: Column<EndpointReport>[] = [
  {
    id: "endpoint",
    header: "Endpoint",
    className: nameClass,
    cell: ({ endpoint }) => (
      <Link to="/runs" search={{ endpoint_id: endpoint.id }} className={linkClass} title={endpoint.name}>
        {endpoint.name}
        <span className="sr-only">: its runs</span>
      </Link>
    ),
  },
  ...COUNTS,
];
