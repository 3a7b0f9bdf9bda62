import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { isProblem } from "@/client/problem";
import { incidentQuery } from "@/client/queries";
import type { IncidentDetail } from "@/client/types";
import { JobLink } from "@/components/domain/bits";
import { kindWord } from "@/components/domain/incident-words";
import { QueryError } from "@/components/domain/query-error";
import { IncidentBadge } from "@/components/domain/status";
import { PageNotFound, PagePending } from "@/components/shell/fallbacks";
import { buttonVariants } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Message } from "@/components/ui/message";
import { crumbClass, Facts, PageHeader } from "@/components/ui/page";
import { Time } from "@/components/ui/time";
import { Children } from "./children";
import { Marks } from "./columns";
import { Comment } from "./comment";
import { Lasted } from "./lasted";
import { Respond } from "./respond";
import { Severity } from "./severity";
import { Timeline } from "./timeline";

/** The one that it is told of with. */
function PartOf({ id }: { id: string }) {
  const { data: parent } = useQuery(incidentQuery(id));
  return (
    <Message tone="info" title="Part of another incident">
      Nobody is told of it on its own:{" "}
      <Link to="/incidents/$id" params={{ id }} className="text-accent-text underline underline-offset-2">
        {parent?.title ?? "see that one"}
      </Link>
    </Message>
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
        badge={
          <>
            <IncidentBadge state={incident.state} />
            <Marks incident={incident} />
          </>
        }
        actions={
          <>
            <Respond incident={incident} />
            {job && (
              <>
                <Link
                  to="/runs"
                  search={{ job: `${job.namespace}/${job.name}` }}
                  className={buttonVariants()}
                >
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
            )}
          </>
        }
      />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_19rem]">
        <div className="flex flex-col gap-4">
          {incident.cause && (
            <Message tone={incident.state === "open" ? "bad" : "info"} title="Cause">
              {incident.cause}
            </Message>
          )}
          {incident.parent_id && <PartOf id={incident.parent_id} />}
          {incident.children > 0 && <Children incident={incident} />}
          <Card>
            <CardHeader
              title="Timeline"
              aside={
                <Link
                  to="/deliveries"
                  search={{ incident_id: incident.id }}
                  className="rounded-sm underline underline-offset-2 hover:text-text"
                >
                  Deliveries
                </Link>
              }
            />
            <CardBody>
              <Timeline events={incident.events} />
              <Comment id={incident.id} />
            </CardBody>
          </Card>
        </div>
        <Card className="h-fit">
          <CardHeader title="Details" />
          <CardBody>
            <Facts
              items={[
                { label: "Kind", value: kindWord(incident.kind) },
                { label: "Severity", value: <Severity severity={incident.severity} /> },
                { label: "Job", value: job ? <JobLink job={job} /> : "–" },
                { label: "Endpoint", value: endpoint?.name ?? "–" },
                { label: "Opened", value: <Time at={incident.opened_at} /> },
                {
                  label: "Acknowledged",
                  value: incident.acknowledged_at ? (
                    <>
                      <Time at={incident.acknowledged_at} /> by {incident.acknowledged_by}
                    </>
                  ) : (
                    "not yet"
                  ),
                },
                ...(incident.state === "open" && incident.snoozed_until
                  ? [{ label: "Snoozed until", value: <Time at={incident.snoozed_until} /> }]
                  : []),
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
  if (query.data) return <IncidentView key={id} incident={query.data} />;
  if (query.isPending) return <PagePending />;
  if (isProblem(query.error, 404)) return <PageNotFound />;
  return <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />;
}
