import { createFileRoute } from "@tanstack/react-router";
import { RoutesPage } from "@/features/alert-routes/routes-page";

export const Route = createFileRoute("/_app/routes/")({ component: RoutesPage });
