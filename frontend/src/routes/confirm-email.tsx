import { createFileRoute } from "@tanstack/react-router";
import { ConfirmEmailPage } from "@/features/auth/link-pages";
import { type Raw, text } from "@/lib/search";

export const Route = createFileRoute("/confirm-email")({
  validateSearch: (raw: Raw): { token?: string | undefined } => ({ token: text(raw.token) }),
  component: () => <ConfirmEmailPage token={Route.useSearch().token} />,
});
