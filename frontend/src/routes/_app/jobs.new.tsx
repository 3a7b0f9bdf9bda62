import { createFileRoute } from "@tanstack/react-router";
import { NewJobPage } from "@/features/jobs/new-job-page";
import { newJobSearch } from "@/features/jobs/search";

export const Route = createFileRoute("/_app/jobs/new")({
  validateSearch: newJobSearch,
  component: () => <NewJobPage mode={Route.useSearch().mode ?? "ping"} />,
});
