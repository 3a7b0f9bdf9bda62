import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { isProblem } from "@/client/problem";
import { runQuery } from "@/client/queries";
import type { Run } from "@/client/types";
import { JobAddress, JobLink } from "@/components/domain/bits";
import { QueryError } from "@/components/domain/query-error";
import { RUN_LOOKS, RunBadge } from "@/components/domain/status";
import { PageNotFound, PagePending } from "@/components/shell/fallbacks";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Message } from "@/components/ui/message";
import { crumbClass, Facts, PageHeader } from "@/components/ui/page";
import { Duration, Time } from "@/components/ui/time";
import { shortCommit } from "@/lib/format";
import { beganAt } from "./began";
import { RunOutput } from "./output";

const SOURCES = { agent: "Agent", ping: "Ping", api: "API", cronitor: "Cronitor API", sentry: "Sentry API" };

function RunFacts({ run }: { run: Run }) {
  const items = [
    { label: "Job", value: <JobLink job={run.job} /> },
    { label: "Endpoint", value: run.endpoint?.name ?? "–" },
    { label: "Due", value: <Time at={run.slot_at} none="no slot" /> },
    { label: "Started", value: <Time at={run.started_at} /> },
    { label: "Finished", value: <Time at={run.finished_at} /> },
    {
      label: "Duration",
      value: (
        <Duration seconds={run.duration_seconds} since={run.state === "running" ? run.started_at : null} />
      ),
    },
    { label: "Exit code", value: <span className="tabular">{run.exit_code ?? "–"}</span> },
    { label: "Reported by", value: SOURCES[run.source] },
    ...(run.host ? [{ label: "Host", value: run.host }] : []),
    ...(run.environment ? [{ label: "Environment", value: run.environment }] : []),
    ...Object.entries(run.metrics ?? {}).map(([name, value]) => ({
      label: name,
      value: <span className="tabular">{value}</span>,
    })),
    ...(run.commit
      ? [
          {
            label: "Commit",
            value: (
              <code className="font-mono text-xs" title={run.commit}>
                {shortCommit(run.commit)}
              </code>
            ),
          },
        ]
      : []),
    {
      label: "Run id",
      value: (
        <span className="flex items-center justify-end gap-1">
          <code className="truncate font-mono text-xs" title={run.id}>
            {run.id}
          </code>
          <CopyButton text={run.id} what="run id" />
        </span>
      ),
    },
  ];
  return (
    <Card className="h-fit">
      <CardHeader title="Details" />
      <CardBody>
        <Facts items={items} />
      </CardBody>
    </Card>
  );
}

function RunView({ run }: { run: Run }) {
  const at = beganAt(run);
  return (
    <>
      <PageHeader
        crumbs={
          <>
            <Link to="/jobs" className={crumbClass}>
              Jobs
            </Link>
            <span aria-hidden>/</span>
            <JobLink job={run.job} className={crumbClass} />
          </>
        }
        title={
          <>
            Run of <JobAddress job={run.job} />
          </>
        }
        badge={<RunBadge state={run.state} />}
      >
        {run.state === "missed" || run.state === "skipped" ? "Due " : "Started "}
        <Time at={at} none="at an unknown time" />
        {run.endpoint && <> on {run.endpoint.name}</>}
      </PageHeader>
      {run.message && (
        <Message
          tone={RUN_LOOKS[run.state].tone === "bad" ? "bad" : "info"}
          title={run.message}
          className="mb-4"
        />
      )}
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_19rem]">
        <RunOutput run={run} />
        <RunFacts run={run} />
      </div>
    </>
  );
}

export function RunPage({ id }: { id: string }) {
  const query = useQuery(runQuery(id));
  if (query.data) return <RunView run={query.data} />;
  if (query.isPending) return <PagePending />;
  if (isProblem(query.error, 404)) return <PageNotFound />;
  return <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />;
}
