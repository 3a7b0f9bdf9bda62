import { createFileRoute } from "@tanstack/react-router";
import { AcknowledgePage } from "@/features/auth/message-links";
import { type Raw, text } from "@/lib/search";

export const Route = createFileRoute("/acknowledge")({
  validateSearch: (raw: Raw): { token?: string | undefined } => ({ token: text(raw.token) }),
  component: () => <AcknowledgePage token={Route.useSearch().token} />,
});
