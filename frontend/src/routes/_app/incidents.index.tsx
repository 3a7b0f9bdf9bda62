import { createFileRoute } from "@tanstack/react-router";
import { incidentsQuery } from "@/client/queries";
import { IncidentsPage } from "@/features/incidents/incidents-page";
import { incidentsSearch } from "@/features/incidents/search";

export const Route = createFileRoute("/_app/incidents/")({
  validateSearch: incidentsSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ context: { queryClient }, deps: { state } }) => {
    void queryClient.prefetchInfiniteQuery(incidentsQuery(state === "all" ? undefined : state));
  },
  component: () => <IncidentsPage search={Route.useSearch()} />,
});
