import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { sessionQuery } from "@/client/queries";
import type { Session } from "@/client/types";
import { safeRedirect } from "./redirect";

/** Keeps the session and goes where the person wanted to go. */
export function useEnter(redirectTo?: string): (session: Session) => Promise<void> {
  const queryClient = useQueryClient();
  const router = useRouter();
  return async (session) => {
    // What another person saw in this tab is not for this one.
    queryClient.clear();
    queryClient.setQueryData(sessionQuery.queryKey, session);
    await router.navigate({ href: safeRedirect(redirectTo), replace: true });
  };
}
