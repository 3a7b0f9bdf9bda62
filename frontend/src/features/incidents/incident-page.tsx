import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleAlert, CircleCheck, MailCheck, MailX } from "lucide-react";
import { isProblem } from "@/client/problem";
import { incidentQuery } from "@/client/queries";
import type { IncidentDetail, IncidentEvent } from "@/client/types";
import { JobLink } from "@/components/domain/bits";
import { QueryError } from "@/components/domain/query-error";
import { IncidentBadge } from "@/components/domain/status";
import { PageNotFound, PagePending } from "@/components/shell/fallbacks";
import { buttonVariants } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Message } from "@/components/ui/message";
import { crumbClass, Facts, PageHeader } from "@/components/ui/page";
import { Time } from "@/components/ui/time";
import { Lasted } from "./lasted";
import { Severity } from "./severity";

const EVENTS: Record<IncidentEvent["kind"], { word: string; icon: typeof CircleAlert; className: string }> = {
  opened: { word: "Opened", icon: CircleAlert, className: "text-bad" },
  changed: { word: "Changed", icon: CircleAlert, className: "text-warn" },
  notified: { word: "Notified", icon: MailCheck, className: "text-muted" },
  notify_failed: { word: "Could not notify", icon: MailX, className: "text-warn" },
  resolved: { word: "Resolved", icon: CircleCheck, className: "text-ok" },
};

function Timeline({ events }: { events: IncidentEvent[] }) {
  return (
    <ol className="flex flex-col">
      {events.map((event) => {
        const { word, icon: Icon, className } = EVENTS[event.kind];
        return (
          <li
            key={`${event.at} ${event.kind} ${event.message}`}
            className="group relative flex gap-3 pb-5 last:pb-0"
          >
            <span aria-hidden className="absolute top-7 bottom-0 left-3 w-px bg-line group-last:hidden" />
            <span className="grid size-6 shrink-0 place-items-center rounded-full border border-line bg-surface">
              <Icon aria-hidden className={`size-3.5 ${className}`} />
            </span>
            <div className="min-w-0 pt-0.5 text-sm">
              <p className="flex flex-wrap items-baseline gap-x-2">
                <span className="font-medium">{word}</span>
                <Time at={event.at} className="text-subtle text-xs" />
              </p>
              <p className="break-words text-muted">{event.message}</p>
            </div>
          </li>
        );
      })}
    </ol>
  );
}

function IncidentView({ incident }: { incident: IncidentDetail }) {
  const { job, endpoint } = incident;
  return (
    <>
      <PageHeader
        crumbs={
          <Link to="/incidents" className={crumbClass}>
            Incidents
          </Link>
        }
        title={incident.title}
        badge={<IncidentBadge state={incident.state} />}
        actions={
          job && (
            <>
              <Link to="/runs" search={{ job: `${job.namespace}/${job.name}` }} className={buttonVariants()}>
                See its runs
              </Link>
              <Link
                to="/jobs/$namespace/$name"
                params={{ namespace: job.namespace, name: job.name }}
                className={buttonVariants({ variant: "primary" })}
              >
                Open job
              </Link>
            </>
          )
        }
      />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_19rem]">
        <div className="flex flex-col gap-4">
          {incident.cause && (
            <Message tone={incident.state === "open" ? "bad" : "info"} title="Cause">
              {incident.cause}
            </Message>
          )}
          <Card>
            <CardHeader title="Timeline" />
            <CardBody>
              <Timeline events={incident.events} />
            </CardBody>
          </Card>
        </div>
        <Card className="h-fit">
          <CardHeader title="Details" />
          <CardBody>
            <Facts
              items={[
                { label: "Kind", value: incident.kind },
                { label: "Severity", value: <Severity severity={incident.severity} /> },
                { label: "Job", value: job ? <JobLink job={job} /> : "–" },
                { label: "Endpoint", value: endpoint?.name ?? "–" },
                { label: "Opened", value: <Time at={incident.opened_at} /> },
                { label: "Resolved", value: <Time at={incident.resolved_at} none="not yet" /> },
                { label: incident.resolved_at ? "Lasted" : "Lasting", value: <Lasted incident={incident} /> },
              ]}
            />
          </CardBody>
        </Card>
      </div>
    </>
  );
}

export function IncidentPage({ id }: { id: string }) {
  const query = useQuery(incidentQuery(id));
  if (query.data) return <IncidentView incident={query.data} />;
  if (query.isPending) return <PagePending />;
  if (isProblem(query.error, 404)) return <PageNotFound />;
  return <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />;
}
