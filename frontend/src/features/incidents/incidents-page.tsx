import { useInfiniteQuery } from "@tanstack/react-query";
import { CircleCheckBig, SearchX } from "lucide-react";
import { incidentsQuery } from "@/client/queries";
import { QueryError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { DataList, LoadMore } from "@/components/ui/data-list";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { ListSkeleton } from "@/components/ui/skeleton";
import { TabLinks } from "@/components/ui/tabs";
import { INCIDENT_COLUMNS, INCIDENT_GRID } from "./columns";
import { IncidentFilters, useIncidentFilter } from "./filters";
import { type IncidentsSearch, wanted } from "./search";

const TABS = [
  { state: undefined, label: "Open" },
  { state: "resolved", label: "Resolved" },
  { state: "all", label: "All" },
] as const;

function Nothing({ state, kind, severity, job, endpoint }: IncidentsSearch) {
  const set = useIncidentFilter();
  if (kind || severity || job || endpoint) {
    const clear = { kind: undefined, severity: undefined, job: undefined, endpoint: undefined };
    return (
      <Empty
        icon={<SearchX />}
        title="No incident matches"
        actions={<Button onClick={() => set(clear)}>Clear filters</Button>}
      >
        Nothing fits these filters together.
      </Empty>
    );
  }
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

export function IncidentsPage({ search }: { search: IncidentsSearch }) {
  const { state, ...filter } = search;
  const query = useInfiniteQuery(incidentsQuery(wanted(search)));
  const incidents = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <PageHeader title="Incidents">What went wrong, since when, and who was told.</PageHeader>
      <TabLinks
        label="Incidents by status"
        tabs={TABS.map((tab) => ({
          label: tab.label,
          active: tab.state === state,
          link: { to: "/incidents", search: { ...filter, state: tab.state } },
        }))}
      />
      <IncidentFilters
        search={search}
        endpointName={incidents.find(({ endpoint }) => endpoint?.id === search.endpoint)?.endpoint?.name}
      />
      <Card aria-label="Incident list" aria-busy={query.isPlaceholderData}>
        {query.isPending && <ListSkeleton rows={3} />}
        {query.isError && !query.data && (
          <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
        )}
        {query.isSuccess && incidents.length === 0 && <Nothing {...search} />}
        {incidents.length > 0 && (
          <DataList
            label="Incidents"
            columns={INCIDENT_COLUMNS}
            items={incidents}
            rowKey={(incident) => incident.id}
            grid={INCIDENT_GRID}
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
