import { useQuery } from "@tanstack/react-query";
import { badgeQuery, uptimeQuery } from "@/client/queries";
import type { Job, JobBadge, Uptime } from "@/client/types";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { CodeBlock } from "@/components/ui/code";
import { Skeleton } from "@/components/ui/skeleton";
import { formatDuration, formatShare } from "@/lib/format";

function Figure({ uptime }: { uptime: Uptime }) {
  if (uptime.uptime === null) {
    return (
      <>
        <p className="text-lg text-muted">Not known yet</p>
        <p className="mt-1 text-subtle text-xs">It counts from the first report or the first missed run.</p>
      </>
    );
  }
  const { down_seconds, known_seconds } = uptime;
  return (
    <>
      <p className="tabular font-semibold text-xl">{formatShare(uptime.uptime)}</p>
      <p className="tabular mt-1 text-subtle text-xs">
        {down_seconds > 0 ? `Down ${formatDuration(down_seconds)}` : "Never down"} in the{" "}
        {formatDuration(known_seconds)} that are known
      </p>
    </>
  );
}

/**
 * From our own address, whatever address the server gives to others: the content security policy knows no other.
 * The state in it has the browser fetch the picture again when it changes.
 */
const pictureOf = (badge: JobBadge, job: Job) =>
  `${new URL(badge.svg_url, window.location.origin).pathname}?state=${job.state}`;

function Badge({ badge, job }: { badge: JobBadge; job: Job }) {
  return (
    <div className="flex flex-col gap-3">
      <img
        src={pictureOf(badge, job)}
        alt={`Badge of ${job.namespace}/${job.name}`}
        className="h-5 max-w-full self-start object-contain object-left text-subtle text-xs"
      />
      <CodeBlock title="Markdown" what="badge Markdown" code={badge.markdown} />
      <p className="text-subtle text-xs">
        Whoever has its address sees the job’s name and how it is, and nothing else.
      </p>
    </div>
  );
}

const Failed = ({ error }: { error: Error }) => (
  <p className="text-muted text-sm">Could not be loaded: {error.message}</p>
);

export function UptimeCard({ job }: { job: Job }) {
  const uptime = useQuery(uptimeQuery(job.namespace, job.name));
  const badge = useQuery(badgeQuery(job));
  return (
    <Card aria-label="Uptime and badge">
      <CardHeader title="Uptime and badge" />
      <CardBody className="flex flex-col gap-4">
        <div>
          <h3 className="mb-1 text-subtle text-xs">Uptime, last 30 days</h3>
          {uptime.isPending && <Skeleton className="h-12" />}
          {uptime.isError && !uptime.data && <Failed error={uptime.error} />}
          {uptime.data && <Figure uptime={uptime.data} />}
        </div>
        <div>
          <h3 className="mb-1.5 text-subtle text-xs">Badge</h3>
          {badge.isPending && <Skeleton className="h-24" />}
          {badge.isError && !badge.data && <Failed error={badge.error} />}
          {badge.data && <Badge badge={badge.data} job={job} />}
        </div>
      </CardBody>
    </Card>
  );
}
