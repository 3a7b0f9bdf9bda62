import { createFileRoute } from "@tanstack/react-router";
import { incidentsQuery } from "@/client/queries";
import { IncidentsPage } from "@/features/incidents/incidents-page";
import { incidentsSearch, wanted } from "@/features/incidents/search";

export const Route = createFileRoute("/_app/incidents/")({
  validateSearch: incidentsSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ context: { queryClient }, deps }) => {
    void queryClient.prefetchInfiniteQuery(incidentsQuery(wanted(deps)));
  },
  component: () => <IncidentsPage search={Route.useSearch()} />,
});
