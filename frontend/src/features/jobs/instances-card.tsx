import { Link } from "@tanstack/react-router";
import { Unplug } from "lucide-react";
import type { Instance, Job } from "@/client/types";
import { StateBadge } from "@/components/domain/status";
import { buttonVariants } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { type Column, DataList } from "@/components/ui/data-list";
import { Empty } from "@/components/ui/message";
import { Duration, Time } from "@/components/ui/time";
import { plural } from "@/lib/format";

function Place({ instance }: { instance: Instance }) {
  const { condition, endpoint, warnings } = instance;
  const notable = condition && condition.type !== "Ready";
  return (
    <>
      <p className="truncate font-medium">{endpoint?.name ?? "Anywhere"}</p>
      {notable && (
        <p className="break-words text-warn text-xs">
          {condition.type}: {condition.message || condition.reason}
        </p>
      )}
      {warnings.map((warning) => (
        <p key={warning.code} className="break-words text-warn text-xs">
          {warning.message} <Time at={warning.at} />
        </p>
      ))}
    </>
  );
}

function Last({ instance }: { instance: Instance }) {
  const run = instance.last_run;
  if (!run) return <span className="text-subtle">No runs yet</span>;
  return (
    <Link
      to="/runs/$id"
      params={{ id: run.id }}
      className="rounded-sm underline-offset-2 hover:text-accent-text hover:underline"
    >
      <Time at={run.finished_at ?? run.started_at} none="never came" />
      {run.duration_seconds !== null && (
        <span className="text-subtle">
          {" "}
          in <Duration seconds={run.duration_seconds} />
          {instance.usual_seconds !== null && (
            <>
              , usually <Duration seconds={instance.usual_seconds} />
            </>
          )}
        </span>
      )}
    </Link>
  );
}

const COLUMNS: Column<Instance>[] = [
  {
    id: "state",
    header: "Status",
    className: "max-md:order-2",
    cell: (instance) => <StateBadge state={instance.state} />,
  },
  {
    id: "place",
    header: "Endpoint",
    className: "max-md:order-1 max-md:flex-1 max-md:basis-1/2",
    cell: (instance) => <Place instance={instance} />,
  },
  {
    id: "since",
    header: "Since",
    className: "text-muted max-md:order-4 max-md:text-xs",
    cell: (instance) => <Time at={instance.since} />,
  },
  {
    id: "last",
    header: "Last run",
    className: "text-muted max-md:order-5 max-md:text-xs",
    cell: (instance) => <Last instance={instance} />,
  },
];

export function InstancesCard({ job }: { job: Job }) {
  const instances = job.instances_list;
  return (
    <Card>
      <CardHeader title="Instances" aside={instances.length > 0 && plural(instances.length, "endpoint")} />
      {instances.length === 0 ? (
        <Empty
          icon={<Unplug />}
          title="It runs nowhere"
          actions={
            <>
              <Link
                to="/jobs/$namespace/$name/edit"
                params={{ namespace: job.namespace, name: job.name }}
                className={buttonVariants()}
              >
                Edit the selector
              </Link>
              <Link to="/endpoints" className={buttonVariants()}>
                See endpoints
              </Link>
            </>
          }
        >
          No endpoint matches the job’s <code className="font-mono">selector</code>. Change it, or give an
          endpoint the labels it asks for.
        </Empty>
      ) : (
        <DataList
          label="Instances"
          columns={COLUMNS}
          items={instances}
          rowKey={(instance) => instance.id}
          grid="md:grid-cols-[7.5rem_minmax(0,1fr)_5.5rem_minmax(0,0.8fr)]"
        />
      )}
    </Card>
  );
}
