import { Link } from "@tanstack/react-router";
import { BellOff, Check, Waves } from "lucide-react";
import type { Incident } from "@/client/types";
import { IncidentBadge } from "@/components/domain/status";
import { Tag } from "@/components/ui/badge";
import { type Column, rowLinkClass } from "@/components/ui/data-list";
import { Time } from "@/components/ui/time";
import { now } from "@/lib/clock";
import { cn } from "@/lib/cn";
import { plural } from "@/lib/format";
import { Lasted } from "./lasted";
import { Severity } from "./severity";

/** What people and the keeper have done with it. */
export function Marks({ incident }: { incident: Incident }) {
  const { children, muted, flapping, acknowledged_at, snoozed_until, state } = incident;
  const open = state === "open";
  return (
    <>
      {children > 0 && (
        <Tag title="Incidents that are a part of this one. Nobody is told of them on their own.">
          +{plural(children, "incident")}
        </Tag>
      )}
      {flapping && (
        <Tag title="It goes wrong and right again: open until it has been well for a while.">
          <Waves aria-hidden /> flapping
        </Tag>
      )}
      {muted && (
        <Tag title="Nobody hears of it until it is over.">
          <BellOff aria-hidden /> muted
        </Tag>
      )}
      {open && acknowledged_at && (
        <Tag>
          <Check aria-hidden /> acknowledged
        </Tag>
      )}
      {open && snoozed_until && Date.parse(snoozed_until) > now() && (
        <Tag>
          <BellOff aria-hidden /> snoozed
        </Tag>
      )}
    </>
  );
}

export const INCIDENT_COLUMNS: Column<Incident>[] = [
  {
    id: "state",
    header: "Status",
    className: "max-md:order-1",
    cell: (incident) => <IncidentBadge state={incident.state} />,
  },
  {
    id: "title",
    header: "Incident",
    className: "max-md:order-3 max-md:basis-full",
    cell: (incident) => (
      <>
        <p className="flex min-w-0 flex-wrap items-center gap-x-2 gap-y-1">
          <Link
            to="/incidents/$id"
            params={{ id: incident.id }}
            className={cn(rowLinkClass, "min-w-0 break-words md:max-w-full md:truncate")}
          >
            {incident.title}
          </Link>
          <Marks incident={incident} />
        </p>
        {incident.cause && <p className="text-subtle text-xs md:truncate">{incident.cause}</p>}
      </>
    ),
  },
  {
    id: "severity",
    header: "Severity",
    className: "max-md:order-2 max-md:ml-auto",
    cell: (incident) => <Severity severity={incident.severity} />,
  },
  {
    id: "opened",
    header: "Opened",
    className: "tabular text-muted max-md:order-4 max-md:text-xs",
    cell: (incident) => <Time at={incident.opened_at} />,
  },
  {
    id: "lasted",
    header: "Lasted",
    className: "text-muted max-md:order-5 max-md:text-xs",
    cell: (incident) => <Lasted incident={incident} />,
  },
];

export const INCIDENT_GRID = "md:grid-cols-[6.5rem_minmax(0,1fr)_5.5rem_6rem_7rem]";
