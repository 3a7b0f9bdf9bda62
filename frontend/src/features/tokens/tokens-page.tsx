import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { api } from "@/client/api";
import { tokensQuery } from "@/client/queries";
import type { Token } from "@/client/types";
import { explain, QueryError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { DataList, LoadMore } from "@/components/ui/data-list";
import { Confirm } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { ListSkeleton } from "@/components/ui/skeleton";
import { TabLinks } from "@/components/ui/tabs";
import { toast } from "@/components/ui/toast";
import { useMay, useSession } from "@/lib/session";
import { tokenColumns } from "./columns";
import { CreateToken } from "./create-token";
import { RotateToken } from "./rotate-token";
import type { TokensSearch } from "./search";

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

export function TokensPage({ search }: { search: TokensSearch }) {
  const { user } = useSession();
  const admin = useMay("tenant:admin");
  const all = admin && search.all === true;
  const query = useInfiniteQuery(tokensQuery(all));
  const tokens = query.data?.pages.flatMap((page) => page.items) ?? [];
  const [creating, setCreating] = useState(false);
  const [rotated, setRotated] = useState<Token | null>(null);
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
      {admin && (
        <TabLinks
          label="Whose tokens"
          tabs={[
            { label: "Yours", active: !all, link: { to: "/tokens", search: {} } },
            { label: "Everybody's", active: all, link: { to: "/tokens", search: { all: true } } },
          ]}
        />
      )}
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
            columns={tokenColumns({ own: user.username, rotate: setRotated, revoke: setDoomed })}
            items={tokens}
            rowKey={(token) => token.id}
            grid="md:grid-cols-[minmax(0,1.2fr)_minmax(0,2fr)_6rem_8.5rem_9rem]"
          />
        )}
        <LoadMore
          has={query.hasNextPage}
          loading={query.isFetchingNextPage}
          shown={tokens.length}
          load={() => void query.fetchNextPage()}
        />
      </Card>
      <RotateToken token={rotated} onClose={() => setRotated(null)} />
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
