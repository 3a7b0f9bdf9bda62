import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { FilePlus2 } from "lucide-react";
import type { ReactNode } from "react";
import { isProblem } from "@/client/problem";
import { historyQuery } from "@/client/queries";
import { ChangeBadge } from "@/components/domain/change-badge";
import { May } from "@/components/domain/may";
import { QueryError } from "@/components/domain/query-error";
import { PagePending } from "@/components/shell/fallbacks";
import { buttonVariants } from "@/components/ui/button";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { Time } from "@/components/ui/time";
import { JobCrumbs } from "./job-header";

type Props = { namespace: string; name: string; history: ReactNode };

function NoJob({ namespace, name }: Omit<Props, "history">) {
  return (
    <Empty
      page
      icon={<FilePlus2 />}
      title={`There is no job ${namespace}/${name}`}
      actions={
        <>
          <Link to="/jobs" className={buttonVariants()}>
            All jobs
          </Link>
          <May scope="jobs:write">
            <Link to="/jobs/new" className={buttonVariants({ variant: "primary" })}>
              New job
            </Link>
          </May>
        </>
      }
    >
      It may have been renamed, or it belongs to another tenant.
    </Empty>
  );
}

/** An address without a job: one that was deleted has its history there, and the way back. */
export function GoneJob({ namespace, name, history }: Props) {
  const query = useInfiniteQuery(historyQuery(namespace, name));
  const last = query.data?.pages[0]?.items[0];
  if (isProblem(query.error, 404) || (query.isSuccess && !last)) {
    return <NoJob namespace={namespace} name={name} />;
  }
  if (query.isPending) return <PagePending />;
  if (!last) {
    return <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />;
  }
  return (
    <>
      <PageHeader
        crumbs={<JobCrumbs namespace={namespace} />}
        title={name}
        badge={<ChangeBadge action="deleted" />}
      >
        {last.action === "deleted" ? (
          <>
            {last.author} deleted this job <Time at={last.at} />. It can be brought back, with its runs.
          </>
        ) : (
          "This job is not there any more, but its history is."
        )}
      </PageHeader>
      {history}
    </>
  );
}
