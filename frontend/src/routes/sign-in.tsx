import { createFileRoute, redirect } from "@tanstack/react-router";
import { sessionQuery } from "@/client/queries";
import { safeRedirect } from "@/features/auth/redirect";
import { SignInPage } from "@/features/auth/sign-in";
import { z } from "@/lib/zod";

export const Route = createFileRoute("/sign-in")({
  validateSearch: z.object({ redirect: z.string().optional().catch(undefined) }),
  beforeLoad: async ({ context, search }) => {
    // Nobody who is signed in needs this page. Any error means: show it.
    const session = await context.queryClient
      .ensureQueryData({ ...sessionQuery, retry: false })
      .catch(() => null);
    if (session) throw redirect({ href: safeRedirect(search.redirect), replace: true });
  },
  component: () => <SignInPage redirectTo={Route.useSearch().redirect} />,
});
