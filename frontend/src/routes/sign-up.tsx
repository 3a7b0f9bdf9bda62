import { createFileRoute } from "@tanstack/react-router";
import { SignUpPage } from "@/features/auth/sign-up";
import { type Raw, text } from "@/lib/search";

export const Route = createFileRoute("/sign-up")({
  validateSearch: (raw: Raw): { invitation?: string | undefined } => ({ invitation: text(raw.invitation) }),
  component: () => <SignUpPage invitation={Route.useSearch().invitation} />,
});
