import { useInfiniteQuery } from "@tanstack/react-query";
import { History } from "lucide-react";
import { activityQuery } from "@/client/queries";
import type { Activity as Entry } from "@/client/types";
import { actionWords, Changes } from "@/components/domain/log";
import { QueryError } from "@/components/domain/query-error";
import { Card } from "@/components/ui/card";
import { type Column, DataList, LoadMore } from "@/components/ui/data-list";
import { Empty } from "@/components/ui/message";
import { ListSkeleton } from "@/components/ui/skeleton";
import { Time } from "@/components/ui/time";

const COLUMNS: Column<Entry>[] = [
  {
    id: "what",
    header: "What",
    className: "max-md:order-1 max-md:flex-1",
    cell: (entry) => (
      <>
        <p className="font-medium">
          {actionWords(entry.action)}
          {entry.by && <span className="font-normal text-muted"> by {entry.by}</span>}
        </p>
        <Changes before={entry.before ?? null} after={entry.after ?? null} />
      </>
    ),
  },
  {
    id: "where",
    header: "From",
    className: "text-muted max-md:order-4 max-md:text-xs",
    cell: (entry) => <span title={entry.agent ?? undefined}>{entry.address ?? "–"}</span>,
  },
  {
    id: "when",
    header: "When",
    className: "text-muted max-md:order-2 max-md:text-xs md:text-right",
    cell: (entry) => <Time at={entry.at} />,
  },
];

export function Activity() {
  const query = useInfiniteQuery(activityQuery);
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Card aria-label="Activity">
      {query.isPending && <ListSkeleton rows={4} />}
      {query.isError && !query.data && (
        <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
      )}
      {query.isSuccess && entries.length === 0 && (
        <Empty icon={<History />} title="Nothing yet">
          Sign-ins and changes of your password, address and two-step sign-in are kept here.
        </Empty>
      )}
      {entries.length > 0 && (
        <DataList
          label="Activity"
          columns={COLUMNS}
          items={entries}
          rowKey={({ id }) => id}
          grid="md:grid-cols-[minmax(0,1fr)_10rem_7rem]"
        />
      )}
      <LoadMore
        has={query.hasNextPage}
        loading={query.isFetchingNextPage}
        shown={entries.length}
        load={() => void query.fetchNextPage()}
      />
    </Card>
  );
}
