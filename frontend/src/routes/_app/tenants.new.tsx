import { createFileRoute } from "@tanstack/react-router";
import { NewTenantPage } from "@/features/tenant/new-tenant-page";

export const Route = createFileRoute("/_app/tenants/new")({ component: NewTenantPage });
