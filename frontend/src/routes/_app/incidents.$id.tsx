import { createFileRoute } from "@tanstack/react-router";
import { incidentQuery } from "@/client/queries";
import { IncidentPage } from "@/features/incidents/incident-page";

export const Route = createFileRoute("/_app/incidents/$id")({
  loader: ({ context: { queryClient }, params }) => {
    void queryClient.prefetchQuery(incidentQuery(params.id));
  },
  component: () => <IncidentPage id={Route.useParams().id} />,
});
