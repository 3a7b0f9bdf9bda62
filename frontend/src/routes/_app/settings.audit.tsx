import { createFileRoute } from "@tanstack/react-router";
import { AuditPage } from "@/features/tenant/audit-page";
import { auditSearch } from "@/features/tenant/search";

export const Route = createFileRoute("/_app/settings/audit")({
  validateSearch: auditSearch,
  component: () => <AuditPage search={Route.useSearch()} />,
});
