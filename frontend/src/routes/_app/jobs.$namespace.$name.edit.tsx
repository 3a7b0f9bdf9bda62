import { createFileRoute } from "@tanstack/react-router";
import { EditJobPage } from "@/features/jobs/edit-job-page";

export const Route = createFileRoute("/_app/jobs/$namespace/$name/edit")({
  component: () => <EditJobPage {...Route.useParams()} />,
});
