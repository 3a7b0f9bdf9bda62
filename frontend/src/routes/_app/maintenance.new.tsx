import { createFileRoute } from "@tanstack/react-router";
import { AlertsAreToLookAt, May } from "@/components/domain/may";
import { NewWindowPage } from "@/features/maintenance/edit-window-page";

export const Route = createFileRoute("/_app/maintenance/new")({
  component: () => (
    <May scope="alerts:manage" otherwise={<AlertsAreToLookAt />}>
      <NewWindowPage />
    </May>
  ),
});
