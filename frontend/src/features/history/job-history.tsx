import { useInfiniteQuery } from "@tanstack/react-query";
import { GitCommitHorizontal } from "lucide-react";
import { historyQuery } from "@/client/queries";
import { QueryError } from "@/components/domain/query-error";
import { Card, CardHeader } from "@/components/ui/card";
import { LoadMore } from "@/components/ui/data-list";
import { Empty, Message } from "@/components/ui/message";
import { ListSkeleton } from "@/components/ui/skeleton";
import { cn } from "@/lib/cn";
import { plural, shortCommit } from "@/lib/format";
import { VersionCard } from "./version-card";
import { VersionList } from "./version-list";

type Props = {
  namespace: string;
  name: string;
  /** The commit to look at; the newest one when none is asked for. On a phone: the list then. */
  asked: string | undefined;
};

/** Every version of a job's file, and one of them in full. */
export function JobHistory({ namespace, name, asked }: Props) {
  const query = useInfiniteQuery(historyQuery(namespace, name));
  const versions = query.data?.pages.flatMap((page) => page.items) ?? [];
  const at = asked ? versions.findIndex(({ commit }) => commit === asked) : 0;
  const version = versions[at];
  const newest = versions[0];
  const count = `${plural(versions.length, "version")}${query.hasNextPage ? " and more" : ""}`;
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[21rem_minmax(0,1fr)]">
      <Card className={cn(asked && "max-lg:hidden")} aria-label="History">
        <CardHeader title="History" aside={versions.length > 0 && count} />
        {query.isPending && <ListSkeleton rows={4} />}
        {query.isError && !query.data && (
          <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
        )}
        {query.isSuccess && versions.length === 0 && (
          <Empty icon={<GitCommitHorizontal />} title="No versions">
            The repository holds no commit of this job.
          </Empty>
        )}
        <VersionList namespace={namespace} name={name} versions={versions} selected={version?.commit} />
        <LoadMore
          has={query.hasNextPage}
          loading={query.isFetchingNextPage}
          shown={versions.length}
          load={() => void query.fetchNextPage()}
        />
      </Card>
      <div className={cn("min-w-0 lg:sticky lg:top-4", !asked && "max-lg:hidden")}>
        {version && newest && (
          <VersionCard
            key={version.commit}
            namespace={namespace}
            name={name}
            version={version}
            newest={newest}
            previous={versions[at + 1]}
          />
        )}
        {asked && !version && query.isSuccess && (
          <Message tone="info" title={`Version ${shortCommit(asked)} is not among those loaded`}>
            Load more of the list, or choose another one.
          </Message>
        )}
      </div>
    </div>
  );
}
