import { createFileRoute } from "@tanstack/react-router";
import { UsagePage } from "@/features/tenant/usage-page";

export const Route = createFileRoute("/_app/settings/usage")({ component: UsagePage });
