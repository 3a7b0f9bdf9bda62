import { createFileRoute } from "@tanstack/react-router";
import { runOutputQuery, runQuery } from "@/client/queries";
import { RunPage } from "@/features/runs/run-page";

export const Route = createFileRoute("/_app/runs/$id")({
  loader: ({ context: { queryClient }, params }) => {
    void queryClient.prefetchQuery(runQuery(params.id)).then(() => {
      if (queryClient.getQueryData(runQuery(params.id).queryKey)?.output) {
        void queryClient.prefetchQuery(runOutputQuery(params.id));
      }
    });
  },
  component: () => {
    const { id } = Route.useParams();
    return <RunPage key={id} id={id} />;
  },
});
