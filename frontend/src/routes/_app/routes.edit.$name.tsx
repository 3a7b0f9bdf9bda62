import { createFileRoute } from "@tanstack/react-router";
import { AlertsAreToLookAt, May } from "@/components/domain/may";
import { EditRoutePage } from "@/features/alert-routes/edit-route-page";

export const Route = createFileRoute("/_app/routes/edit/$name")({
  component: () => (
    <May scope="alerts:manage" otherwise={<AlertsAreToLookAt />}>
      <EditRoutePage name={Route.useParams().name} />
    </May>
  ),
});
