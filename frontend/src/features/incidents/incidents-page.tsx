import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheckBig } from "lucide-react";
import { incidentsQuery } from "@/client/queries";
import type { Incident } from "@/client/types";
import { QueryError } from "@/components/domain/query-error";
import { IncidentBadge } from "@/components/domain/status";
import { Card } from "@/components/ui/card";
import { type Column, DataList, LoadMore, rowLinkClass } from "@/components/ui/data-list";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { ListSkeleton } from "@/components/ui/skeleton";
import { TabLinks } from "@/components/ui/tabs";
import { Time } from "@/components/ui/time";
import { cn } from "@/lib/cn";
import { Lasted } from "./lasted";
import { type IncidentsSearch, wanted } from "./search";
import { Severity } from "./severity";

const COLUMNS: Column<Incident>[] = [
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
        <Link
          to="/incidents/$id"
          params={{ id: incident.id }}
          className={cn(rowLinkClass, "block md:truncate")}
        >
          {incident.title}
        </Link>
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

const TABS = [
  { state: undefined, label: "Open" },
  { state: "resolved", label: "Resolved" },
  { state: "all", label: "All" },
] as const;

function Nothing({ state }: IncidentsSearch) {
  if (!state) {
    return (
      <Empty icon={<CircleCheckBig className="text-ok" />} title="Nothing is wrong">
        Every job that was due has run and ended well. A failed, stuck or missed run opens an incident here.
      </Empty>
    );
  }
  return (
    <Empty
      icon={<CircleCheckBig />}
      title={state === "all" ? "No incidents yet" : "No resolved incidents yet"}
    >
      Incidents stay here after they are over, with all that happened.
    </Empty>
  );
}

export function IncidentsPage({ search: { state } }: { search: IncidentsSearch }) {
  const query = useInfiniteQuery(incidentsQuery(wanted({ state })));
  const incidents = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <PageHeader title="Incidents">What went wrong, since when, and who was told.</PageHeader>
      <TabLinks
        label="Incidents by status"
        tabs={TABS.map((tab) => ({
          label: tab.label,
          active: tab.state === state,
          link: { to: "/incidents", search: tab.state ? { state: tab.state } : {} },
        }))}
      />
      <Card aria-label="Incident list" aria-busy={query.isPlaceholderData}>
        {query.isPending && <ListSkeleton rows={3} />}
        {query.isError && !query.data && (
          <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
        )}
        {query.isSuccess && incidents.length === 0 && <Nothing state={state} />}
        {incidents.length > 0 && (
          <DataList
            label="Incidents"
            columns={COLUMNS}
            items={incidents}
            rowKey={(incident) => incident.id}
            grid="md:grid-cols-[6.5rem_minmax(0,1fr)_5.5rem_6rem_7rem]"
          />
        )}
        <LoadMore
          has={query.hasNextPage}
          loading={query.isFetchingNextPage}
          shown={incidents.length}
          load={() => void query.fetchNextPage()}
        />
      </Card>
    </>
  );
}
