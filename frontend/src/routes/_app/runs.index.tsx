import { createFileRoute } from "@tanstack/react-router";
import { runsQuery } from "@/client/queries";
import { RunsPage } from "@/features/runs/runs-page";
import { runsSearch, toQuery } from "@/features/runs/search";

export const Route = createFileRoute("/_app/runs/")({
  validateSearch: runsSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ context: { queryClient }, deps }) => {
    void queryClient.prefetchInfiniteQuery(runsQuery(...toQuery(deps)));
  },
  component: () => <RunsPage search={Route.useSearch()} />,
});
