import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { api } from "@/client/api";
import { tokensQuery } from "@/client/queries";
import type { Token } from "@/client/types";
import { explain, QueryError } from "@/components/domain/query-error";
import { Badge, Tag } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { type Column, DataList, LoadMore } from "@/components/ui/data-list";
import { Confirm } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { ListSkeleton } from "@/components/ui/skeleton";
import { Time } from "@/components/ui/time";
import { toast } from "@/components/ui/toast";
import { now } from "@/lib/clock";
import { CreateToken } from "./create-token";

function Expires({ token }: { token: Token }) {
  if (!token.expires_at) return <span className="text-subtle">never</span>;
  if (Date.parse(token.expires_at) < now()) {
    return (
      <Badge tone="warn">
        expired <Time at={token.expires_at} />
      </Badge>
    );
  }
  return <Time at={token.expires_at} />;
}

const columns = (revoke: (token: Token) => void): Column<Token>[] => [
  {
    id: "name",
    header: "Name",
    className: "max-md:order-1 max-md:flex-1",
    cell: (token) => (
      <>
        <p className="truncate font-medium">{token.name}</p>
        <code className="block truncate font-mono text-subtle text-xs">{token.hint}</code>
      </>
    ),
  },
  {
    id: "scopes",
    header: "Scopes",
    className: "max-md:order-3 max-md:basis-full",
    cell: (token) => (
      <span className="flex flex-wrap gap-1">
        {token.scopes.map((scope) => (
          <Tag key={scope} className="font-mono text-2xs">
            {scope}
          </Tag>
        ))}
      </span>
    ),
  },
  {
    id: "used",
    header: "Last used",
    className: "text-muted max-md:order-4 max-md:text-xs",
    cell: (token) => (
      <>
        <span className="md:hidden">used </span>
        <Time at={token.last_used_at} none="never" />
      </>
    ),
  },
  {
    id: "expires",
    header: "Expires",
    className: "text-muted max-md:order-5 max-md:text-xs",
    cell: (token) => (
      <>
        <span className="md:hidden">expires </span>
        <Expires token={token} />
      </>
    ),
  },
  {
    id: "revoke",
    header: "Actions",
    className: "text-right max-md:order-2",
    cell: (token) => (
      <Button
        variant="dangerGhost"
        size="sm"
        aria-label={`Revoke ${token.name}`}
        onClick={() => revoke(token)}
      >
        Revoke
      </Button>
    ),
  },
];

function useRevoke(done: () => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (token: Token) => api.deleteToken(token.id),
    onSuccess: async (_, token) => {
      await queries.invalidateQueries({ queryKey: ["tokens"] });
      toast.ok(`Token “${token.name}” is revoked`);
    },
    onError: (error) =>
      toast.bad("Could not revoke the token", explain(error).detail || explain(error).title),
    onSettled: done,
  });
}

export function TokensPage() {
  const query = useInfiniteQuery(tokensQuery);
  const tokens = query.data?.pages.flatMap((page) => page.items) ?? [];
  const [creating, setCreating] = useState(false);
  const [doomed, setDoomed] = useState<Token | null>(null);
  const revoke = useRevoke(() => setDoomed(null));
  const create = (
    <Button variant="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden /> New token
    </Button>
  );
  return (
    <>
      <PageHeader title="API tokens" actions={create}>
        For the CLI, scripts and Git. A token acts as you, within its scopes.
      </PageHeader>
      <Card aria-label="Token list">
        {query.isPending && <ListSkeleton rows={3} />}
        {query.isError && !query.data && (
          <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
        )}
        {query.isSuccess && tokens.length === 0 && (
          <Empty icon={<KeyRound />} title="No tokens yet" actions={create}>
            Make one to clone your repository, to use the <code className="font-mono">crontopus</code>{" "}
            command, or to call the API.
          </Empty>
        )}
        {tokens.length > 0 && (
          <DataList
            label="Tokens"
            columns={columns(setDoomed)}
            items={tokens}
            rowKey={(token) => token.id}
            grid="md:grid-cols-[minmax(0,1.2fr)_minmax(0,2fr)_6rem_8.5rem_5rem]"
          />
        )}
        <LoadMore
          has={query.hasNextPage}
          loading={query.isFetchingNextPage}
          shown={tokens.length}
          load={() => void query.fetchNextPage()}
        />
      </Card>
      <CreateToken open={creating} onOpenChange={setCreating} />
      <Confirm
        open={doomed !== null}
        onOpenChange={(open) => !open && setDoomed(null)}
        title={`Revoke “${doomed?.name ?? ""}”?`}
        confirm="Revoke token"
        busy={revoke.isPending}
        onConfirm={() => doomed && revoke.mutate(doomed)}
      >
        Whatever uses it stops working at once. This cannot be undone.
      </Confirm>
    </>
  );
}
