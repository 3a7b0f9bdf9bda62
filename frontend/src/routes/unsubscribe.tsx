import { createFileRoute } from "@tanstack/react-router";
import { UnsubscribePage } from "@/features/auth/message-links";
import { type Raw, text } from "@/lib/search";

export const Route = createFileRoute("/unsubscribe")({
  validateSearch: (raw: Raw): { token?: string | undefined } => ({ token: text(raw.token) }),
  component: () => <UnsubscribePage token={Route.useSearch().token} />,
});
