import { createFileRoute } from "@tanstack/react-router";
import { tokensQuery } from "@/client/queries";
import { tokensSearch } from "@/features/tokens/search";
import { TokensPage } from "@/features/tokens/tokens-page";

export const Route = createFileRoute("/_app/tokens")({
  validateSearch: tokensSearch,
  loaderDeps: ({ search: { all } }) => ({ all: all ?? false }),
  loader: ({ context: { queryClient }, deps: { all } }) => {
    void queryClient.prefetchInfiniteQuery(tokensQuery(all));
  },
  component: () => <TokensPage search={Route.useSearch()} />,
});
