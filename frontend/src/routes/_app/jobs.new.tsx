import { createFileRoute } from "@tanstack/react-router";
import { JobsAreToLookAt, May } from "@/components/domain/may";
import { NewJobPage } from "@/features/jobs/new-job-page";
import { newJobSearch } from "@/features/jobs/search";

export const Route = createFileRoute("/_app/jobs/new")({
  validateSearch: newJobSearch,
  component: () => (
    <May scope="jobs:write" otherwise={<JobsAreToLookAt />}>
      <NewJobPage mode={Route.useSearch().mode ?? "ping"} />
    </May>
  ),
});
