import { createFileRoute } from "@tanstack/react-router";
import { PageNotFound } from "@/components/shell/fallbacks";

export const Route = createFileRoute("/_app/$")({ component: PageNotFound });
