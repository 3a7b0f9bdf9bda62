import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouteContext, useRouter } from "@tanstack/react-router";
import { account } from "@/client/account";
import { sessionQuery } from "@/client/queries";
import type { Session } from "@/client/types";

/** The signed-in session. Only under the `_app` route, which does not render without one. */
export const useSession = (): Session => useRouteContext({ from: "/_app" }).session;

/** What one may ask the service for in the present tenant. The service decides; this is for what is offered. */
export type Scope =
  | "jobs:write"
  | "checkins:write"
  | "endpoints:manage"
  | "alerts:manage"
  | "tenant:admin"
  | "tenant:owner";

export const useMay = (scope: Scope): boolean => useSession().scopes.includes(scope);

/** After a change of one's own account or tenant: has who one is, and where, said anew. */
export function useRefreshSession(): () => Promise<void> {
  const queryClient = useQueryClient();
  const router = useRouter();
  return async () => {
    await queryClient.fetchQuery({ ...sessionQuery, staleTime: 0 });
    await router.invalidate();
  };
}

/** Goes on in another of one's tenants, by its slug. Nothing that was seen in the one before stays. */
export function useSwitchTenant() {
  const queryClient = useQueryClient();
  const router = useRouter();
  const { live } = useRouteContext({ from: "__root__" });
  return useMutation({
    mutationFn: account.switchTenant,
    onSuccess: async (session) => {
      const elsewhere = {
        predicate: ({ queryKey: [first] }: { queryKey: readonly unknown[] }) => first !== "session",
      };
      queryClient.setQueryData(sessionQuery.queryKey, session);
      queryClient.removeQueries({ ...elsewhere, type: "inactive" });
      // Left first: what is on the page now may not exist over there.
      await router.navigate({ to: "/jobs", search: {} });
      await router.invalidate();
      live.stop();
      live.start();
      await queryClient.resetQueries(elsewhere);
    },
  });
}
