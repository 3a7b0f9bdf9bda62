import { createFileRoute } from "@tanstack/react-router";
import { GeneralPage } from "@/features/tenant/general-page";

export const Route = createFileRoute("/_app/settings/")({ component: GeneralPage });
