import { createFileRoute, Link } from "@tanstack/react-router";
import { historyQuery, jobQuery, nextRunsQuery, runsQuery, uptimeQuery } from "@/client/queries";
import { JobHistory } from "@/features/history/job-history";
import { JobPage } from "@/features/jobs/job-page";
import { jobSearch } from "@/features/jobs/search";
import { JobRuns } from "@/features/runs/job-runs";

export const Route = createFileRoute("/_app/jobs/$namespace/$name/")({
  validateSearch: jobSearch,
  loaderDeps: ({ search: { tab } }) => ({ tab }),
  loader: ({ context: { queryClient }, params: { namespace, name }, deps }) => {
    if (deps.tab === "history") void queryClient.prefetchInfiniteQuery(historyQuery(namespace, name));
    if (!deps.tab) void queryClient.prefetchQuery(uptimeQuery(namespace, name));
    void queryClient.prefetchQuery(jobQuery(namespace, name));
    void queryClient.prefetchQuery(nextRunsQuery(namespace, name));
    void queryClient.prefetchInfiniteQuery(runsQuery({ job: `${namespace}/${name}` }));
  },
  component: Page,
});

function Page() {
  const { namespace, name } = Route.useParams();
  const search = Route.useSearch();
  const job = `${namespace}/${name}`;
  const all = (
    <Link
      from={Route.fullPath}
      to="."
      search={{ tab: "runs" }}
      className="rounded-sm hover:text-text hover:underline"
    >
      All runs
    </Link>
  );
  return (
    <JobPage
      namespace={namespace}
      name={name}
      search={search}
      recentRuns={<JobRuns job={job} limit={8} aside={all} />}
      allRuns={<JobRuns job={job} />}
      history={<JobHistory namespace={namespace} name={name} asked={search.version} />}
    />
  );
}
