import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { MailCheck, SearchX, X } from "lucide-react";
import { channelsQuery, deliveriesQuery } from "@/client/alerting";
import { DELIVERY_STATES, type DeliveryState } from "@/client/types";
import { DELIVERY_LOOKS } from "@/components/domain/delivery-badge";
import { QueryError } from "@/components/domain/query-error";
import { Button, buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { DataList, LoadMore } from "@/components/ui/data-list";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { Select } from "@/components/ui/select";
import { ListSkeleton } from "@/components/ui/skeleton";
import { deliveryColumns } from "./columns";
import type { DeliveriesSearch } from "./search";

const STATE_OPTIONS = [
  { value: "all" as const, label: "Any status" },
  ...DELIVERY_STATES.map((value) => ({ value, label: DELIVERY_LOOKS[value].word })),
];

function useFilter() {
  const navigate = useNavigate({ from: "/deliveries/" });
  return (change: Partial<DeliveriesSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false });
}

function Filters({ search, names }: { search: DeliveriesSearch; names: ReadonlyMap<string, string> }) {
  const set = useFilter();
  const { channel_id = "", incident_id } = search;
  const options = [...names].map(([value, label]) => ({ value, label }));
  if (channel_id && !names.has(channel_id)) options.push({ value: channel_id, label: channel_id });
  return (
    <search className="mb-4 grid grid-cols-2 gap-2 md:flex md:flex-wrap">
      <Select<DeliveryState | "all">
        label="Status"
        className="md:w-40"
        value={search.state ?? "all"}
        options={STATE_OPTIONS}
        onChange={(state) => set({ state: state === "all" ? undefined : state })}
      />
      <Select
        label="Channel"
        className="md:w-52"
        value={channel_id}
        options={[{ value: "", label: "All channels" }, ...options]}
        onChange={(id) => set({ channel_id: id || undefined })}
      />
      {incident_id && (
        <Button
          className="font-normal max-md:col-span-2 max-md:h-9"
          onClick={() => set({ incident_id: undefined })}
        >
          Of one incident <X aria-label="Remove filter" className="text-subtle" />
        </Button>
      )}
    </search>
  );
}

function Nothing({ search }: { search: DeliveriesSearch }) {
  const set = useFilter();
  if (Object.values(search).some(Boolean)) {
    return (
      <Empty
        icon={<SearchX />}
        title="No delivery matches"
        actions={
          <Button onClick={() => set({ state: undefined, channel_id: undefined, incident_id: undefined })}>
            Clear filters
          </Button>
        }
      >
        Nothing fits these filters together.
      </Empty>
    );
  }
  return (
    <Empty
      icon={<MailCheck />}
      title="Nothing was sent yet"
      actions={
        <Link to="/channels" className={buttonVariants()}>
          Send a test
        </Link>
      }
    >
      Each notification about an incident appears here, with every try and what came back.
    </Empty>
  );
}

export function DeliveriesPage({ search }: { search: DeliveriesSearch }) {
  const query = useInfiniteQuery(deliveriesQuery(search));
  const channels = useInfiniteQuery(channelsQuery).data?.pages.flatMap((page) => page.items) ?? [];
  const names = new Map(channels.map(({ id, name }) => [id, name]));
  const deliveries = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <PageHeader title="Deliveries">
        Every notification on its way to a channel. What fails is tried again for 24 hours.
      </PageHeader>
      <Filters search={search} names={names} />
      <Card aria-label="Delivery list" aria-busy={query.isPlaceholderData}>
        {query.isPending && <ListSkeleton />}
        {query.isError && !query.data && (
          <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
        )}
        {query.isSuccess && deliveries.length === 0 && <Nothing search={search} />}
        {deliveries.length > 0 && (
          <DataList
            label="Deliveries"
            columns={deliveryColumns(names)}
            items={deliveries}
            rowKey={({ id }) => id}
            grid="md:grid-cols-[6rem_minmax(0,1.2fr)_7rem_minmax(0,1.4fr)_5rem_7.5rem]"
          />
        )}
        <LoadMore
          has={query.hasNextPage}
          loading={query.isFetchingNextPage}
          shown={deliveries.length}
          load={() => void query.fetchNextPage()}
        />
      </Card>
    </>
  );
}
