import { createFileRoute } from "@tanstack/react-router";
import { jobsQuery, namespacesQuery } from "@/client/queries";
import { JobsPage } from "@/features/jobs/jobs-page";
import { jobsSearch } from "@/features/jobs/search";

export const Route = createFileRoute("/_app/jobs/")({
  validateSearch: jobsSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ context: { queryClient }, deps }) => {
    void queryClient.prefetchInfiniteQuery(jobsQuery(deps));
    void queryClient.prefetchQuery(namespacesQuery);
  },
  component: () => <JobsPage search={Route.useSearch()} />,
});
