import { createFileRoute } from "@tanstack/react-router";
import { JobsAreToLookAt, May } from "@/components/domain/may";
import { ImportPage } from "@/features/import/import-page";

export const Route = createFileRoute("/_app/jobs/import")({
  component: () => (
    <May scope="jobs:write" otherwise={<JobsAreToLookAt />}>
      <ImportPage />
    </May>
  ),
});
