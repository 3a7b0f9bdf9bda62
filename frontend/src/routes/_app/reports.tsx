import { createFileRoute } from "@tanstack/react-router";
import { endpointReportQuery, jobReportQuery } from "@/client/queries";
import { ReportsPage } from "@/features/reports/reports-page";
import { reportsSearch, spanOf } from "@/features/reports/search";
import { now } from "@/lib/clock";

export const Route = createFileRoute("/_app/reports")({
  validateSearch: reportsSearch,
  loaderDeps: ({ search }) => search,
  loader: ({ context: { queryClient }, deps }) => {
    const span = spanOf(deps, now());
    if (deps.by) void queryClient.prefetchInfiniteQuery(endpointReportQuery(span));
    else void queryClient.prefetchInfiniteQuery(jobReportQuery(span));
  },
  component: () => <ReportsPage search={Route.useSearch()} />,
});
