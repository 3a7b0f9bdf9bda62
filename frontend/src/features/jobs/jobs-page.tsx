import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { CalendarClock, Import, Plus, SearchX } from "lucide-react";
import { jobsQuery, namespacesQuery } from "@/client/queries";
import { STATES, type State } from "@/client/types";
import { May } from "@/components/domain/may";
import { QueryError } from "@/components/domain/query-error";
import { STATE_LOOKS } from "@/components/domain/status";
import { Button, buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { LoadMore } from "@/components/ui/data-list";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { SearchInput } from "@/components/ui/search-input";
import { Select } from "@/components/ui/select";
import { ListSkeleton } from "@/components/ui/skeleton";
import { plural } from "@/lib/format";
import { FirstJob } from "./first-job";
import { JobList } from "./job-list";
import type { JobsSearch } from "./search";

const STATE_OPTIONS = [
  { value: "all" as const, label: "Any status" },
  ...STATES.map((value) => ({ value, label: STATE_LOOKS[value].word })),
];

function useFilter() {
  const navigate = useNavigate({ from: "/jobs/" });
  return (change: Partial<JobsSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false });
}

function Filters({ search }: { search: JobsSearch }) {
  const set = useFilter();
  const { data } = useQuery(namespacesQuery);
  const names = (data?.items ?? []).map(({ name }) => name);
  // A namespace in the address that is gone must still be seen to be what filters.
  if (search.namespace && !names.includes(search.namespace)) names.unshift(search.namespace);
  const namespaces = [
    { value: "", label: "All namespaces" },
    ...names.map((name) => ({ value: name, label: name })),
  ];
  return (
    <search className="mb-4 grid grid-cols-2 gap-2 md:flex">
      <SearchInput
        label="Search jobs"
        placeholder="Search jobs"
        className="max-md:col-span-2 md:w-72"
        value={search.q ?? ""}
        onChange={(q) => set({ q: q.trim() || undefined })}
      />
      <Select<State | "all">
        label="Status"
        className="md:w-40"
        value={search.state ?? "all"}
        options={STATE_OPTIONS}
        onChange={(state) => set({ state: state === "all" ? undefined : state })}
      />
      <Select
        label="Namespace"
        className="md:w-44"
        value={search.namespace ?? ""}
        options={namespaces}
        onChange={(namespace) => set({ namespace: namespace || undefined })}
      />
    </search>
  );
}

function NoMatch() {
  const set = useFilter();
  return (
    <Empty
      icon={<SearchX />}
      title="No job matches"
      actions={
        <Button onClick={() => set({ q: undefined, state: undefined, namespace: undefined })}>
          Clear filters
        </Button>
      }
    >
      Nothing fits this search, status and namespace together.
    </Empty>
  );
}

const NoJobs = () => (
  <Empty icon={<CalendarClock />} title="No jobs yet">
    Your role may look at jobs. An owner or admin of this tenant can make you an editor.
  </Empty>
);

function Total() {
  const { data } = useQuery(namespacesQuery);
  const total = data?.items.reduce((sum, { jobs }) => sum + jobs, 0);
  if (total === undefined) return <>Everything that should run, and whether it did.</>;
  return (
    <>
      {plural(total, "job")} in {plural(data?.items.length ?? 0, "namespace")}
    </>
  );
}

export function JobsPage({ search }: { search: JobsSearch }) {
  const query = useInfiniteQuery(jobsQuery(search));
  const jobs = query.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = Boolean(search.q || search.state || search.namespace);
  const first = query.isSuccess && jobs.length === 0 && !filtered;
  return (
    <>
      <PageHeader
        title="Jobs"
        actions={
          !first && (
            <May scope="jobs:write">
              <Link to="/jobs/import" className={buttonVariants()}>
                <Import aria-hidden /> Import
              </Link>
              <Link to="/jobs/new" className={buttonVariants({ variant: "primary" })}>
                <Plus aria-hidden /> New job
              </Link>
            </May>
          )
        }
      >
        {first ? "Everything that should run, and whether it did." : <Total />}
      </PageHeader>
      {first ? (
        <May scope="jobs:write" otherwise={<NoJobs />}>
          <FirstJob />
        </May>
      ) : (
        <>
          <Filters search={search} />
          <Card aria-label="Job list" aria-busy={query.isPlaceholderData}>
            {query.isPending && <ListSkeleton />}
            {query.isError && !query.data && (
              <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
            )}
            {query.isSuccess && jobs.length === 0 && <NoMatch />}
            {jobs.length > 0 && <JobList jobs={jobs} />}
            <LoadMore
              has={query.hasNextPage}
              loading={query.isFetchingNextPage}
              shown={jobs.length}
              load={() => void query.fetchNextPage()}
            />
          </Card>
        </>
      )}
    </>
  );
}
