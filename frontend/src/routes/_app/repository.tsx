import { createFileRoute } from "@tanstack/react-router";
import { documentsQuery, repositoryQuery, signersQuery } from "@/client/queries";
import { RepositoryPage } from "@/features/repository/repository-page";
import { repositorySearch } from "@/features/repository/search";

export const Route = createFileRoute("/_app/repository")({
  validateSearch: repositorySearch,
  loader: ({ context: { queryClient } }) => {
    void queryClient.prefetchQuery(repositoryQuery);
    void queryClient.prefetchQuery(documentsQuery);
    void queryClient.prefetchQuery(signersQuery);
  },
  component: () => <RepositoryPage search={Route.useSearch()} />,
});
