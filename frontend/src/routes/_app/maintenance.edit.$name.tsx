import { createFileRoute } from "@tanstack/react-router";
import { AlertsAreToLookAt, May } from "@/components/domain/may";
import { EditWindowPage } from "@/features/maintenance/edit-window-page";

export const Route = createFileRoute("/_app/maintenance/edit/$name")({
  component: () => (
    <May scope="alerts:manage" otherwise={<AlertsAreToLookAt />}>
      <EditWindowPage name={Route.useParams().name} />
    </May>
  ),
});
