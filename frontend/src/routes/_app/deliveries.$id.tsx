import { createFileRoute } from "@tanstack/react-router";
import { DeliveryPage } from "@/features/deliveries/delivery-page";

export const Route = createFileRoute("/_app/deliveries/$id")({
  component: () => <DeliveryPage id={Route.useParams().id} />,
});
