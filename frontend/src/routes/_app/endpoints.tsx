import { createFileRoute } from "@tanstack/react-router";
import { endpointsQuery, enrollmentTokensQuery } from "@/client/queries";
import { EndpointsPage } from "@/features/endpoints/endpoints-page";
import { endpointsSearch } from "@/features/endpoints/search";

export const Route = createFileRoute("/_app/endpoints")({
  validateSearch: endpointsSearch,
  loader: ({ context: { queryClient } }) => {
    void queryClient.prefetchInfiniteQuery(endpointsQuery);
    void queryClient.prefetchQuery(enrollmentTokensQuery);
  },
  component: () => <EndpointsPage search={Route.useSearch()} />,
});
