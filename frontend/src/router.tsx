import type { QueryClient } from "@tanstack/react-query";
import { createRouter, type RouterHistory } from "@tanstack/react-router";
import { sessionQuery } from "@/client/queries";
import { PageError, PageNotFound, PagePending } from "@/components/shell/fallbacks";
import { LiveStream } from "@/lib/live";
import { createQueryClient } from "@/lib/query-client";
import { routeTree } from "./routeTree.gen";

export type RouterContext = {
  queryClient: QueryClient;
  live: LiveStream;
  signOut: (redirect?: string) => Promise<void>;
};

/** One application: router, queries and live stream that know each other. Tests make their own. */
export function createApp(history?: RouterHistory) {
  const queryClient = createQueryClient(() => {
    const { pathname, href } = router.state.location;
    if (pathname !== "/sign-in") void signOut(href);
  });
  /** Forgets who was signed in and all they saw. `redirect`: where the next sign-in leads. */
  const signOut = async (redirect?: string) => {
    // First the session, or the sign-in page would send us straight back; the rest once nobody shows it.
    queryClient.removeQueries({ queryKey: sessionQuery.queryKey });
    await router.navigate({ to: "/sign-in", search: { redirect }, replace: redirect !== undefined });
    queryClient.clear();
  };
  const live = new LiveStream(queryClient);
  const router = createRouter({
    routeTree,
    ...(history ? { history } : {}),
    context: { queryClient, live, signOut },
    defaultPreload: "intent",
    // Query decides what is fresh.
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: PageError,
    defaultNotFoundComponent: PageNotFound,
    defaultPendingComponent: PagePending,
    scrollRestoration: true,
  });
  return { router, queryClient, live };
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createApp>["router"];
  }
}
