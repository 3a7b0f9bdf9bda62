import { createFileRoute } from "@tanstack/react-router";
import { tokensQuery } from "@/client/queries";
import { TokensPage } from "@/features/tokens/tokens-page";

export const Route = createFileRoute("/_app/tokens")({
  loader: ({ context: { queryClient } }) => {
    void queryClient.prefetchInfiniteQuery(tokensQuery);
  },
  component: TokensPage,
});
