import { createFileRoute } from "@tanstack/react-router";
import { ResetPasswordPage } from "@/features/auth/reset-password";
import { type Raw, text } from "@/lib/search";

export const Route = createFileRoute("/reset-password")({
  validateSearch: (raw: Raw): { token?: string | undefined } => ({ token: text(raw.token) }),
  component: () => <ResetPasswordPage token={Route.useSearch().token} />,
});
