import { useInfiniteQuery } from "@tanstack/react-query";
import { History } from "lucide-react";
import type { ReactNode } from "react";
import { runsQuery } from "@/client/queries";
import { QueryError } from "@/components/domain/query-error";
import { Card, CardHeader } from "@/components/ui/card";
import { LoadMore } from "@/components/ui/data-list";
import { Empty } from "@/components/ui/message";
import { ListSkeleton } from "@/components/ui/skeleton";
import { RunHistory } from "./run-history";
import { RunList } from "./run-list";

type Props = {
  job: string /** How many to show; all of them, page by page, if left out. */;
  limit?: number;
  aside?: ReactNode;
};

/** The runs of one job, for the job's page. */
export function JobRuns({ job, limit, aside }: Props) {
  const query = useInfiniteQuery(runsQuery({ job }));
  const runs = query.data?.pages.flatMap((page) => page.items) ?? [];
  const shown = limit === undefined ? runs : runs.slice(0, limit);
  return (
    <Card>
      <CardHeader title={limit === undefined ? "Runs" : "Recent runs"} aside={runs.length > 0 && aside} />
      {query.isPending && <ListSkeleton rows={4} />}
      {query.isError && !query.data && <QueryError error={query.error} retry={() => void query.refetch()} />}
      {query.isSuccess && runs.length === 0 && (
        <Empty icon={<History />} title="No runs yet">
          The first one appears here by itself when it is reported.
        </Empty>
      )}
      {runs.length > 0 && (
        <>
          <RunHistory runs={runs} />
          <RunList runs={shown} oneJob />
        </>
      )}
      {limit === undefined && (
        <LoadMore
          has={query.hasNextPage}
          loading={query.isFetchingNextPage}
          shown={runs.length}
          load={() => void query.fetchNextPage()}
        />
      )}
    </Card>
  );
}
