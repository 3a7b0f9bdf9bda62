import { createFileRoute } from "@tanstack/react-router";
import { DeliveriesPage } from "@/features/deliveries/deliveries-page";
import { deliveriesSearch } from "@/features/deliveries/search";

export const Route = createFileRoute("/_app/deliveries/")({
  validateSearch: deliveriesSearch,
  component: () => <DeliveriesPage search={Route.useSearch()} />,
});
