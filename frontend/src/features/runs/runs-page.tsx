import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Download, History, SearchX, X } from "lucide-react";
import { namespacesQuery, runsQuery } from "@/client/queries";
import { RUN_STATES, type RunState } from "@/client/types";
import { QueryError } from "@/components/domain/query-error";
import { RUN_LOOKS } from "@/components/domain/status";
import { Button, buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { LoadMore } from "@/components/ui/data-list";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { Select } from "@/components/ui/select";
import { ListSkeleton } from "@/components/ui/skeleton";
import { now } from "@/lib/clock";
import { LabelFilter } from "./label-filter";
import { RunList } from "./run-list";
import { exportUrl, type RunsSearch, toQuery, type Window, withoutLabel } from "./search";

const STATE_OPTIONS = [
  { value: "all" as const, label: "Any result" },
  ...RUN_STATES.map((value) => ({ value, label: RUN_LOOKS[value].word })),
];
const WINDOW_OPTIONS = [
  { value: "all" as const, label: "Any time" },
  { value: "1h" as const, label: "Last hour" },
  { value: "24h" as const, label: "Last 24 hours" },
  { value: "7d" as const, label: "Last 7 days" },
];

function useFilter() {
  const navigate = useNavigate({ from: "/runs/" });
  return (change: Partial<RunsSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false });
}

function Chip({ children, remove }: { children: string; remove: () => void }) {
  return (
    <Button
      className="max-w-full font-normal max-md:h-9"
      onClick={remove}
      aria-label={`Remove filter: ${children}`}
    >
      <span className="truncate">{children}</span>
      <X aria-hidden className="text-subtle" />
    </Button>
  );
}

function Filters({ search, endpointName }: { search: RunsSearch; endpointName: string | undefined }) {
  const set = useFilter();
  const { data } = useQuery(namespacesQuery);
  const names = (data?.items ?? []).map(({ name }) => name);
  if (search.namespace && !names.includes(search.namespace)) names.unshift(search.namespace);
  const { job, endpoint_id, label: labels = [] } = search;
  return (
    <search className="mb-4 grid grid-cols-2 gap-2 md:flex md:flex-wrap md:items-start">
      <Select<RunState | "all">
        label="Result"
        className="md:w-40"
        value={search.state ?? "all"}
        options={STATE_OPTIONS}
        onChange={(state) => set({ state: state === "all" ? undefined : state })}
      />
      <Select<Window | "all">
        label="Time"
        className="md:w-40"
        value={search.window ?? "all"}
        options={WINDOW_OPTIONS}
        onChange={(window) => set({ window: window === "all" ? undefined : window })}
      />
      <Select
        label="Namespace"
        className="max-md:col-span-2 md:w-44"
        value={search.namespace ?? ""}
        options={[
          { value: "", label: "All namespaces" },
          ...names.map((name) => ({ value: name, label: name })),
        ]}
        onChange={(namespace) => set({ namespace: namespace || undefined })}
      />
      <LabelFilter labels={labels} onChange={(label) => set({ label })} />
      {labels.map((label) => (
        <Chip key={label} remove={() => set({ label: withoutLabel(labels, label) })}>
          {`Label: ${label}`}
        </Chip>
      ))}
      {job && <Chip remove={() => set({ job: undefined })}>{`Job: ${job}`}</Chip>}
      {endpoint_id && (
        <Chip
          remove={() => set({ endpoint_id: undefined })}
        >{`Endpoint: ${endpointName ?? endpoint_id}`}</Chip>
      )}
    </search>
  );
}

function Nothing({ search }: { search: RunsSearch }) {
  const set = useFilter();
  if (!Object.values(search).some(Boolean)) {
    return (
      <Empty icon={<History />} title="No runs yet">
        When a job of yours runs and reports, it appears here by itself.
      </Empty>
    );
  }
  const clear = {
    state: undefined,
    job: undefined,
    namespace: undefined,
    endpoint_id: undefined,
    label: undefined,
    window: undefined,
  };
  return (
    <Empty
      icon={<SearchX />}
      title="No run matches"
      actions={<Button onClick={() => set(clear)}>Clear filters</Button>}
    >
      {search.label
        ? `No run of a job labelled ${search.label.join(" and ")} fits.`
        : "Nothing fits these filters together."}
    </Empty>
  );
}

/** Links, so that the browser saves what comes while it comes, however much it is. */
function Exports({ search }: { search: RunsSearch }) {
  return (["csv", "ndjson"] as const).map((format) => (
    <a
      key={format}
      href={exportUrl(search, format, now())}
      download={`runs.${format}`}
      aria-label={`Export all of these runs as ${format.toUpperCase()}`}
      className={buttonVariants({ size: "sm" })}
    >
      <Download aria-hidden />
      {format.toUpperCase()}
    </a>
  ));
}

export function RunsPage({ search }: { search: RunsSearch }) {
  const query = useInfiniteQuery(runsQuery(...toQuery(search)));
  const runs = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <PageHeader title="Runs" actions={runs.length > 0 && <Exports search={search} />}>
        Every execution that was reported, or should have been.
      </PageHeader>
      <Filters
        search={search}
        endpointName={runs.find((run) => run.endpoint?.id === search.endpoint_id)?.endpoint?.name}
      />
      <Card aria-label="Run list" aria-busy={query.isPlaceholderData}>
        {query.isPending && <ListSkeleton />}
        {query.isError && !query.data && (
          <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
        )}
        {query.isSuccess && runs.length === 0 && <Nothing search={search} />}
        {runs.length > 0 && <RunList runs={runs} />}
        <LoadMore
          has={query.hasNextPage}
          loading={query.isFetchingNextPage}
          shown={runs.length}
          load={() => void query.fetchNextPage()}
        />
      </Card>
    </>
  );
}
