import { useInfiniteQuery } from "@tanstack/react-query";
import { incidentsQuery } from "@/client/queries";
import type { Incident } from "@/client/types";
import { QueryError } from "@/components/domain/query-error";
import { Card, CardHeader } from "@/components/ui/card";
import { DataList, LoadMore } from "@/components/ui/data-list";
import { ListSkeleton } from "@/components/ui/skeleton";
import { plural } from "@/lib/format";
import { INCIDENT_COLUMNS } from "./columns";

/** What is a part of it: told of with it, never on its own. */
export function Children({ incident }: { incident: Incident }) {
  const query = useInfiniteQuery(incidentsQuery({ parent: incident.id }));
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Card aria-label="Part of this incident">
      <CardHeader title="Part of this incident" aside={plural(incident.children, "incident")} />
      {query.isPending && <ListSkeleton rows={3} />}
      {query.isError && !query.data && (
        <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
      )}
      {items.length > 0 && (
        <DataList
          label="Part of this incident"
          columns={INCIDENT_COLUMNS.filter(({ id }) => id !== "severity" && id !== "lasted")}
          items={items}
          rowKey={({ id }) => id}
          grid="md:grid-cols-[6.5rem_minmax(0,1fr)_6rem]"
        />
      )}
      <LoadMore
        has={query.hasNextPage}
        loading={query.isFetchingNextPage}
        shown={items.length}
        load={() => void query.fetchNextPage()}
      />
    </Card>
  );
}
