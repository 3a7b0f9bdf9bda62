import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Plus, Server } from "lucide-react";
import { useState } from "react";
import { api } from "@/client/api";
import { endpointsQuery } from "@/client/queries";
import type { Endpoint } from "@/client/types";
import { explain, QueryError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { LoadMore } from "@/components/ui/data-list";
import { Confirm } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { ListSkeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { useMay } from "@/lib/session";
import { AddEndpoint } from "./add-endpoint";
import { EndpointList } from "./endpoint-list";
import { Enrollments } from "./enrollments";
import type { EndpointsSearch } from "./search";
import { UnlockDialog } from "./unlock";

function useRevoke(done: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (endpoint: Endpoint) => api.revokeEndpoint(endpoint.id),
    onSuccess: async (_, endpoint) => {
      await queries.invalidateQueries({ queryKey: ["endpoints"] });
      toast.ok(`${endpoint.name} is revoked`);
    },
    onError: (error) =>
      toast.bad("Could not revoke the endpoint", explain(error).detail || explain(error).title),
    onSettled: done,
  });
}

function RevokeDialog({ endpoint, close }: { endpoint: Endpoint | null; close: () => void }) {
  const revoke = useRevoke(close);
  return (
    <Confirm
      open={endpoint !== null}
      onOpenChange={(open) => !open && close()}
      title={`Revoke ${endpoint?.name ?? ""}?`}
      confirm="Revoke endpoint"
      busy={revoke.isPending}
      onConfirm={() => endpoint && revoke.mutate(endpoint)}
    >
      Its agent stops syncing and reporting at once. Jobs already in the machine’s scheduler keep running,
      unseen. To bring it back it has to enrol again.
    </Confirm>
  );
}

export function EndpointsPage({ search }: { search: EndpointsSearch }) {
  const navigate = useNavigate({ from: "/endpoints" });
  const query = useInfiniteQuery(endpointsQuery);
  const endpoints = query.data?.pages.flatMap((page) => page.items) ?? [];
  const [doomed, setDoomed] = useState<Endpoint | null>(null);
  const [locked, setLocked] = useState<Endpoint | null>(null);
  const setAdding = (add: boolean) => void navigate({ search: add ? { add: true } : {}, resetScroll: false });
  const may = useMay("endpoints:manage");
  const add = may && (
    <Button variant="primary" onClick={() => setAdding(true)}>
      <Plus aria-hidden /> Add an endpoint
    </Button>
  );
  return (
    <>
      <PageHeader title="Endpoints" actions={add}>
        The machines whose schedulers follow your repository.
      </PageHeader>
      <Card aria-label="Endpoint list">
        {query.isPending && <ListSkeleton rows={3} />}
        {query.isError && !query.data && (
          <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
        )}
        {query.isSuccess && endpoints.length === 0 && (
          <Empty icon={<Server />} title="No endpoints yet" actions={add}>
            Needed for agent mode only. Jobs in ping mode report from anywhere without one.
          </Empty>
        )}
        {endpoints.length > 0 && (
          <EndpointList
            endpoints={endpoints}
            acts={may ? { revoke: setDoomed, unlock: setLocked } : undefined}
          />
        )}
        <LoadMore
          has={query.hasNextPage}
          loading={query.isFetchingNextPage}
          shown={endpoints.length}
          load={() => void query.fetchNextPage()}
        />
      </Card>
      {may && <Enrollments />}
      <AddEndpoint
        open={may && search.add === true}
        onOpenChange={setAdding}
        labels={search.labels ?? ""}
        endpoints={endpoints}
      />
      <RevokeDialog endpoint={doomed} close={() => setDoomed(null)} />
      <UnlockDialog endpoint={locked} close={() => setLocked(null)} />
    </>
  );
}
