import { createFileRoute, redirect } from "@tanstack/react-router";
import { sessionQuery } from "@/client/queries";
import { safeRedirect } from "@/features/auth/redirect";
import { SignInPage } from "@/features/auth/sign-in";
import { type Raw, text } from "@/lib/search";

export const Route = createFileRoute("/sign-in")({
  validateSearch: (raw: Raw): { redirect?: string | undefined; error?: string | undefined } => ({
    redirect: text(raw.redirect),
    error: text(raw.error),
  }),
  beforeLoad: async ({ context, search }) => {
    // Nobody who is signed in needs this page. Any error means: show it.
    const session = await context.queryClient
      .ensureQueryData({ ...sessionQuery, retry: false })
      .catch(() => null);
    if (session) throw redirect({ href: safeRedirect(search.redirect), replace: true });
  },
  component: SignIn,
});

function SignIn() {
  const { redirect: to, error } = Route.useSearch();
  return <SignInPage redirectTo={to} signOnError={error} />;
}
