import { createFileRoute } from "@tanstack/react-router";
import { WindowsPage } from "@/features/maintenance/windows-page";

export const Route = createFileRoute("/_app/maintenance/")({ component: WindowsPage });
