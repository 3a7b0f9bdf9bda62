import { createFileRoute } from "@tanstack/react-router";
import { VerifyChannelPage } from "@/features/auth/message-links";
import { type Raw, text } from "@/lib/search";

export const Route = createFileRoute("/verify-channel")({
  validateSearch: (raw: Raw): { token?: string | undefined } => ({ token: text(raw.token) }),
  component: () => <VerifyChannelPage token={Route.useSearch().token} />,
});
