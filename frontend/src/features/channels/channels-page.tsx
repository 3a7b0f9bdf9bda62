import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BellRing, Plus } from "lucide-react";
import { channelsQuery, newestDeliveriesQuery } from "@/client/alerting";
import { QueryError } from "@/components/domain/query-error";
import { buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { DataList, LoadMore } from "@/components/ui/data-list";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { ListSkeleton } from "@/components/ui/skeleton";
import { useMay } from "@/lib/session";
import { channelColumns } from "./columns";
import { useSendTest } from "./send-test";

export function ChannelsPage() {
  const may = useMay("alerts:manage");
  const query = useInfiniteQuery(channelsQuery);
  const { data: last } = useQuery(newestDeliveriesQuery);
  const sending = useSendTest();
  const channels = query.data?.pages.flatMap((page) => page.items) ?? [];
  const add = may && (
    <Link to="/channels/new" className={buttonVariants({ variant: "primary" })}>
      <Plus aria-hidden /> New channel
    </Link>
  );
  return (
    <>
      <PageHeader title="Channels" actions={add}>
        Where notifications go. <Link to="/routes">Routes</Link> say which of them; those marked default hear
        of the rest.
      </PageHeader>
      <Card aria-label="Channel list">
        {query.isPending && <ListSkeleton rows={3} />}
        {query.isError && !query.data && (
          <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
        )}
        {query.isSuccess && channels.length === 0 && (
          <Empty icon={<BellRing />} title="No channels yet" actions={add}>
            Until there is one, nobody is told when a job fails.
          </Empty>
        )}
        {channels.length > 0 && (
          <DataList
            label="Channels"
            columns={channelColumns({ last, sending: may ? sending : undefined })}
            items={channels}
            rowKey={({ id }) => id}
            grid={
              may
                ? "md:grid-cols-[7.5rem_minmax(0,1.4fr)_minmax(0,1.2fr)_10rem_7rem]"
                : "md:grid-cols-[7.5rem_minmax(0,1.4fr)_minmax(0,1.2fr)_10rem]"
            }
          />
        )}
        <LoadMore
          has={query.hasNextPage}
          loading={query.isFetchingNextPage}
          shown={channels.length}
          load={() => void query.fetchNextPage()}
        />
      </Card>
    </>
  );
}
