import { useQuery } from "@tanstack/react-query";
import { Clock } from "lucide-react";
import { nextRunsQuery } from "@/client/queries";
import type { ClockChange, Job, NextRuns } from "@/client/types";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { Time } from "@/components/ui/time";
import { formatLocal } from "@/lib/format";

function Upcoming({ next }: { next: NextRuns }) {
  if (next.items.length === 0) return <p className="text-muted text-sm">No run is coming up.</p>;
  return (
    <ol className="flex flex-col gap-2 text-sm">
      {next.items.map(({ at, local }) => (
        <li key={at} className="tabular">
          <span className="flex items-baseline justify-between gap-3">
            {formatLocal(local)}
            <Time at={at} className="whitespace-nowrap text-subtle text-xs" />
          </span>
          {/* Said only where it differs: in UTC itself, and in London's winter, it would be noise. */}
          {!/(Z|\+00:00)$/.test(local) && (
            <span className="block text-subtle text-xs">{formatLocal(at)} UTC</span>
          )}
        </li>
      ))}
    </ol>
  );
}

function ClockChanges({ changes }: { changes: ClockChange[] }) {
  return (
    <div>
      <h3 className="mb-1.5 text-subtle text-xs">When the clocks change</h3>
      <ul className="flex flex-col gap-2 text-sm">
        {changes.map(({ at, kind, text }) => (
          <li key={`${at} ${kind}`} className="flex gap-2">
            <Clock aria-hidden className="mt-0.5 size-4 shrink-0 text-warn" />
            <span className="min-w-0 break-words text-muted">{text}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Coming({ job }: { job: Job }) {
  const next = useQuery(nextRunsQuery(job.namespace, job.name));
  const idle = job.paused || !job.enabled;
  const changes = next.data?.clock_changes ?? [];
  return (
    <>
      <div>
        <h3 className="mb-1.5 text-subtle text-xs">Next runs, {job.timezone}</h3>
        {idle && (
          <p className="text-muted text-sm">{job.paused ? "Paused." : "Disabled."} Nothing is expected.</p>
        )}
        {!idle && next.isPending && <Skeleton className="h-28" />}
        {!idle && next.isError && (
          <p className="text-muted text-sm">Could not be computed: {next.error.message}</p>
        )}
        {!idle && next.data && <Upcoming next={next.data} />}
      </div>
      {!idle && changes.length > 0 && <ClockChanges changes={changes} />}
    </>
  );
}

export function ScheduleCard({ job }: { job: Job }) {
  return (
    <Card>
      <CardHeader title="Schedule" aside={job.timezone} />
      <CardBody className="flex flex-col gap-4">
        <div>
          <p className="text-sm">{job.schedule_text}</p>
          <ul className="mt-1 flex flex-wrap gap-x-3 gap-y-1">
            {job.schedule.map((entry) => (
              <li key={entry}>
                <code className="font-mono text-muted text-xs">{entry}</code>
              </li>
            ))}
          </ul>
        </div>
        <Coming job={job} />
      </CardBody>
    </Card>
  );
}
