import { createFileRoute } from "@tanstack/react-router";
import { AlertsAreToLookAt, May } from "@/components/domain/may";
import { NewRoutePage } from "@/features/alert-routes/edit-route-page";

export const Route = createFileRoute("/_app/routes/new")({
  component: () => (
    <May scope="alerts:manage" otherwise={<AlertsAreToLookAt />}>
      <NewRoutePage />
    </May>
  ),
});
