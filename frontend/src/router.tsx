import type { QueryClient } from "@tanstack/react-query";
import { createRouter } from "@tanstack/react-router";
import { PageError, PageNotFound, PagePending } from "@/components/shell/fallbacks";
import { LiveStream } from "@/lib/live";
import { createQueryClient } from "@/lib/query-client";
import { routeTree } from "./routeTree.gen";

export type RouterContext = { queryClient: QueryClient; live: LiveStream };

/** One application: router, queries and live stream that know each other. Tests make their own. */
export function createApp() {
  const queryClient = createQueryClient(() => {
    const { pathname, href } = router.state.location;
    if (pathname === "/sign-in") return;
    void router.navigate({ to: "/sign-in", search: { redirect: href }, replace: true });
    queryClient.removeQueries();
  });
  const live = new LiveStream(queryClient);
  const router = createRouter({
    routeTree,
    context: { queryClient, live },
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
