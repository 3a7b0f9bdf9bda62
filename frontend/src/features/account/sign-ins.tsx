import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { account } from "@/client/account";
import { signInsQuery } from "@/client/queries";
import type { SignIn } from "@/client/types";
import { explain, QueryError } from "@/components/domain/query-error";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { type Column, DataList, LoadMore } from "@/components/ui/data-list";
import { Confirm } from "@/components/ui/dialog";
import { ListSkeleton } from "@/components/ui/skeleton";
import { Time } from "@/components/ui/time";
import { toast } from "@/components/ui/toast";

const columns = (end: (signIn: SignIn) => void, busy: string | undefined): Column<SignIn>[] => [
  {
    id: "name",
    header: "Where",
    className: "max-md:order-1 max-md:flex-1",
    cell: (signIn) => (
      <>
        <p className="flex items-center gap-2 font-medium">
          <span className="truncate">{signIn.name}</span>
          {signIn.current && <Badge tone="info">this one</Badge>}
        </p>
        <p className="text-subtle text-xs">{signIn.address ?? "address unknown"}</p>
      </>
    ),
  },
  {
    id: "tenant",
    header: "Tenant",
    className: "truncate text-muted max-md:order-4 max-md:text-xs",
    cell: (signIn) => signIn.tenant,
  },
  {
    id: "used",
    header: "Last active",
    className: "text-muted max-md:order-5 max-md:text-xs",
    cell: (signIn) => (
      <>
        <span className="md:hidden">active </span>
        <Time at={signIn.last_used_at ?? signIn.created_at} />
      </>
    ),
  },
  {
    id: "created",
    header: "Signed in",
    className: "text-muted max-md:order-6 max-md:text-xs",
    cell: (signIn) => (
      <>
        <span className="md:hidden">since </span>
        <Time at={signIn.created_at} />
      </>
    ),
  },
  {
    id: "end",
    header: "End",
    className: "max-md:order-2 md:text-right",
    cell: (signIn) =>
      !signIn.current && (
        <Button
          variant="dangerGhost"
          size="sm"
          busy={busy === signIn.id}
          aria-label={`Sign out ${signIn.name}`}
          onClick={() => end(signIn)}
        >
          Sign out
        </Button>
      ),
  },
];

export function SignIns() {
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const query = useInfiniteQuery(signInsQuery);
  const signIns = query.data?.pages.flatMap((page) => page.items) ?? [];
  const onSuccess = () => queries.invalidateQueries({ queryKey: signInsQuery.queryKey });
  const onError = (error: unknown) => toast.bad("Could not sign out", explain(error).detail);
  const one = useMutation({ mutationFn: ({ id }: SignIn) => account.endSignIn(id), onSuccess, onError });
  const others = useMutation({
    mutationFn: account.endOtherSignIns,
    onSuccess,
    onError,
    onSettled: () => setAsking(false),
  });
  return (
    <Card aria-label="Sessions">
      <CardHeader
        title="Where you are signed in"
        aside={
          signIns.length > 1 && (
            <Button size="sm" onClick={() => setAsking(true)}>
              Sign out everywhere else
            </Button>
          )
        }
      />
      {query.isPending && <ListSkeleton rows={3} />}
      {query.isError && !query.data && (
        <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
      )}
      {signIns.length > 0 && (
        <DataList
          label="Sessions"
          columns={columns(one.mutate, one.isPending ? one.variables.id : undefined)}
          items={signIns}
          rowKey={({ id }) => id}
          grid="md:grid-cols-[minmax(0,2fr)_minmax(0,1fr)_7rem_7rem_6rem]"
        />
      )}
      <LoadMore
        has={query.hasNextPage}
        loading={query.isFetchingNextPage}
        shown={signIns.length}
        load={() => void query.fetchNextPage()}
      />
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Sign out everywhere else?"
        confirm="Sign out"
        busy={others.isPending}
        onConfirm={() => others.mutate()}
      >
        Only this session stays. API tokens go on working.
      </Confirm>
    </Card>
  );
}
