import { QueryCache, QueryClient } from "@tanstack/react-query";
import { isProblem } from "@/client/problem";

/** `onSignedOut` is called when any query learns that the session is over. */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (isProblem(error, 401) && query.queryKey[0] !== "session") onSignedOut();
      },
    }),
    defaultOptions: {
      queries: {
        // The live stream says when something changed; until then what we have is good.
        staleTime: 30_000,
        // A 4xx will not change by asking again. Anything else may be a restart: try for a few seconds.
        retry: (failures, error) => failures < 2 && !(isProblem(error) && error.status < 500),
      },
      mutations: { retry: false },
    },
  });
}
