import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { sessionQuery } from "@/client/queries";
import type { Session } from "@/client/types";
import { safeRedirect } from "./redirect";

/** Signs in or up, keeps the session and goes where the person wanted to go. */
export function useEnter<Body>(enter: (body: Body) => Promise<Session>, redirectTo?: string) {
  const queryClient = useQueryClient();
  const router = useRouter();
  return useMutation({
    mutationFn: enter,
    onSuccess: async (session) => {
      // What another person saw in this tab is not for this one.
      queryClient.clear();
      queryClient.setQueryData(sessionQuery.queryKey, session);
      await router.navigate({ href: safeRedirect(redirectTo), replace: true });
    },
  });
}
