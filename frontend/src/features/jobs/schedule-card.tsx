import { useQuery } from "@tanstack/react-query";
import { nextRunsQuery } from "@/client/queries";
import type { Job, NextRuns } from "@/client/types";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Skeleton } from "@/components/ui/skeleton";
import { Time } from "@/components/ui/time";
import { formatLocal } from "@/lib/format";

function Upcoming({ next }: { next: NextRuns }) {
  if (next.items.length === 0) return <p className="text-muted text-sm">No run is coming up.</p>;
  return (
    <ol className="flex flex-col gap-1.5 text-sm">
      {next.items.map(({ at, local }) => (
        <li key={at} className="tabular flex items-baseline justify-between gap-3">
          <span>{formatLocal(local)}</span>
          <Time at={at} className="whitespace-nowrap text-subtle text-xs" />
        </li>
      ))}
    </ol>
  );
}

export function ScheduleCard({ job }: { job: Job }) {
  const next = useQuery(nextRunsQuery(job.namespace, job.name));
  const idle = job.paused || !job.enabled;
  return (
    <Card>
      <CardHeader title="Schedule" aside={job.timezone} />
      <CardBody className="flex flex-col gap-4">
        <ul className="flex flex-col gap-2">
          {job.schedule.map((entry) => (
            <li key={entry}>
              <code className="font-mono text-sm">{entry}</code>
            </li>
          ))}
        </ul>
        <p className="text-muted text-xs">{job.schedule_text}</p>
        <div>
          <h3 className="mb-1.5 text-subtle text-xs">Next runs</h3>
          {idle && (
            <p className="text-muted text-sm">{job.paused ? "Paused." : "Disabled."} Nothing is expected.</p>
          )}
          {!idle && next.isPending && <Skeleton className="h-28" />}
          {!idle && next.isError && (
            <p className="text-muted text-sm">Could not be computed: {next.error.message}</p>
          )}
          {!idle && next.data && <Upcoming next={next.data} />}
        </div>
      </CardBody>
    </Card>
  );
}
