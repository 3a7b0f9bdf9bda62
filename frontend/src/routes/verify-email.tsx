import { createFileRoute } from "@tanstack/react-router";
import { VerifyEmailPage } from "@/features/auth/link-pages";
import { type Raw, text } from "@/lib/search";

export const Route = createFileRoute("/verify-email")({
  validateSearch: (raw: Raw): { token?: string | undefined } => ({ token: text(raw.token) }),
  component: () => <VerifyEmailPage token={Route.useSearch().token} />,
});
