import { createFileRoute } from "@tanstack/react-router";
import { JobsAreToLookAt, May } from "@/components/domain/may";
import { EditJobPage } from "@/features/jobs/edit-job-page";

export const Route = createFileRoute("/_app/jobs/$namespace/$name/edit")({
  component: () => (
    <May scope="jobs:write" otherwise={<JobsAreToLookAt />}>
      <EditJobPage {...Route.useParams()} />
    </May>
  ),
});
