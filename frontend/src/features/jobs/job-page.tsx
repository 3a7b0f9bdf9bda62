import { useQuery } from "@tanstack/react-query";
import { Fragment, lazy, type ReactNode, Suspense } from "react";
import { isProblem } from "@/client/problem";
import { jobQuery } from "@/client/queries";
import type { Job } from "@/client/types";
import { ManifestErrors } from "@/components/domain/manifest-errors";
import { QueryError } from "@/components/domain/query-error";
import { PagePending } from "@/components/shell/fallbacks";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Facts } from "@/components/ui/page";
import { Skeleton } from "@/components/ui/skeleton";
import { TabLinks } from "@/components/ui/tabs";
import { Time } from "@/components/ui/time";
import { shortCommit } from "@/lib/format";
import { AdoptBanner } from "./adopt-job";
import { GoneJob } from "./gone-job";
import { InstancesCard } from "./instances-card";
import { JobHeader } from "./job-header";
import { PingCard } from "./ping-card";
import { ScheduleCard } from "./schedule-card";
import type { JobSearch } from "./search";
import { UptimeCard } from "./uptime-card";

const YamlEditor = lazy(() => import("@/components/domain/yaml-editor"));

function FilePath({ path }: { path: string }) {
  return (
    <code className="break-words font-mono text-xs">
      {path.split("/").map((part, index) => (
        <Fragment key={part}>
          {index > 0 && (
            <>
              /<wbr />
            </>
          )}
          {part}
        </Fragment>
      ))}
    </code>
  );
}

function Details({ job }: { job: Job }) {
  return (
    <Card>
      <CardHeader title="Definition" />
      <CardBody>
        <Facts
          items={[
            { label: "File", value: <FilePath path={job.path} /> },
            {
              label: "Commit",
              value: (
                <code className="font-mono text-xs" title={job.commit}>
                  {shortCommit(job.commit)}
                </code>
              ),
            },
            { label: "Changed", value: <Time at={job.changed_at} /> },
            {
              label: "Job id",
              value: (
                <span className="flex items-center justify-end gap-1">
                  <code className="truncate font-mono text-xs" title={job.id}>
                    {job.id}
                  </code>
                  <CopyButton text={job.id} what="job id" />
                </span>
              ),
            },
          ]}
        />
      </CardBody>
    </Card>
  );
}

function Manifest({ job }: { job: Job }) {
  return (
    <Card>
      <CardHeader
        title={<code className="font-mono font-normal">{job.path}</code>}
        aside={<CopyButton text={job.yaml} what="manifest" showWord />}
      />
      <Suspense fallback={<Skeleton className="m-4 h-64" />}>
        <YamlEditor label="Manifest" value={job.yaml} readOnly errors={job.errors} />
      </Suspense>
    </Card>
  );
}

type Slots = { recentRuns: ReactNode; allRuns: ReactNode; history: ReactNode };

/** What has to be known about the job whatever one came for. */
function Notices({ job, adopt }: { job: Job; adopt: boolean }) {
  return (
    <div className="mb-4 flex flex-col gap-3 empty:hidden">
      {job.errors.length > 0 && (
        <ManifestErrors
          title="The file in Git is invalid; the last good version stays in force"
          errors={job.errors}
        />
      )}
      {job.violations.length > 0 && (
        <ManifestErrors
          tone="warn"
          title={job.violations.length === 1 ? "This job breaks a policy" : "This job breaks policies"}
          errors={job.violations}
        />
      )}
      <AdoptBanner job={job} asked={adopt} />
    </div>
  );
}

function JobView({ job, search, recentRuns, allRuns, history }: { job: Job; search: JobSearch } & Slots) {
  const { tab } = search;
  const params = { namespace: job.namespace, name: job.name };
  const link = (to: JobSearch["tab"]) => ({
    active: tab === to,
    link: { to: "/jobs/$namespace/$name" as const, params, search: to ? { tab: to } : {} },
  });
  const ping = job.mode === "ping" && <PingCard url={job.ping_url} schedule={job.schedule[0] ?? ""} />;
  return (
    <>
      <JobHeader job={job} />
      <Notices job={job} adopt={search.adopt ?? false} />
      <TabLinks
        label="Job"
        tabs={[
          { label: "Overview", ...link(undefined) },
          { label: "Runs", ...link("runs") },
          { label: "History", ...link("history") },
          { label: "Manifest", ...link("manifest") },
        ]}
      />
      {tab === "runs" && allRuns}
      {tab === "history" && history}
      {tab === "manifest" && <Manifest job={job} />}
      {!tab && (
        <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
          <div className="flex min-w-0 flex-col gap-4">
            {job.mode === "agent" && <InstancesCard job={job} />}
            {/* Until the first ping the URL is what people come for; afterwards the runs are. */}
            {job.last_run === null && ping}
            {recentRuns}
            {job.last_run !== null && ping}
          </div>
          <div className="flex min-w-0 flex-col gap-4">
            <ScheduleCard job={job} />
            <UptimeCard job={job} />
            <Details job={job} />
          </div>
        </div>
      )}
    </>
  );
}

type Props = { namespace: string; name: string; search: JobSearch } & Slots;

export function JobPage({ namespace, name, search, ...slots }: Props) {
  const query = useQuery(jobQuery(namespace, name));
  if (isProblem(query.error, 404))
    return <GoneJob namespace={namespace} name={name} history={slots.history} />;
  if (query.data) return <JobView job={query.data} search={search} {...slots} />;
  if (query.isPending) return <PagePending />;
  return <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />;
}
