import { createFileRoute } from "@tanstack/react-router";
import { InvitationPage } from "@/features/auth/invitation";
import { type Raw, text } from "@/lib/search";

export const Route = createFileRoute("/invitation")({
  validateSearch: (raw: Raw): { token?: string | undefined } => ({ token: text(raw.token) }),
  component: () => <InvitationPage token={Route.useSearch().token} />,
});
