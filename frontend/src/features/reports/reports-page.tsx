import { type InfiniteData, type UseInfiniteQueryResult, useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ChartNoAxesColumn } from "lucide-react";
import type { ReactNode } from "react";
import { endpointReportQuery, jobReportQuery } from "@/client/queries";
import type { Page } from "@/client/types";
import { QueryError } from "@/components/domain/query-error";
import { buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { type Column, DataList, LoadMore } from "@/components/ui/data-list";
import { Empty } from "@/components/ui/message";
import { PageHeader } from "@/components/ui/page";
import { Select } from "@/components/ui/select";
import { ListSkeleton } from "@/components/ui/skeleton";
import { TabLinks } from "@/components/ui/tabs";
import { now } from "@/lib/clock";
import { ENDPOINT_COLUMNS, JOB_COLUMNS } from "./columns";
import { type ReportsSearch, type Span, spanOf, spanText } from "./search";

const RANGES = [
  { value: "7" as const, label: "Last 7 days" },
  { value: "30" as const, label: "Last 30 days" },
  { value: "90" as const, label: "Last 90 days" },
];
const LENGTHS = { "7": 7, "30": undefined, "90": 90 } as const;

function Range({ days }: Pick<ReportsSearch, "days">) {
  const navigate = useNavigate({ from: "/reports" });
  return (
    <Select
      label="Range"
      className="w-40"
      value={`${days ?? 30}` as const}
      options={RANGES}
      onChange={(value) =>
        void navigate({
          search: (before) => ({ ...before, days: LENGTHS[value] }),
          replace: true,
          resetScroll: false,
        })
      }
    />
  );
}

function Nothing({ search, children }: { search: ReportsSearch; children: ReactNode }) {
  const wider = search.days !== 90 && (
    <Link to="/reports" search={{ ...search, days: 90 }} className={buttonVariants()}>
      Look at 90 days
    </Link>
  );
  return (
    <Empty icon={<ChartNoAxesColumn />} title="No runs in these days" actions={wider}>
      {children}
    </Empty>
  );
}

const HOW_COUNTED = (
  <p className="border-line border-t px-4 py-3 text-subtle text-xs">
    Success rate: successes among the runs that came to an end or were missed. p50: the days’ medians, weighed
    by their runs. p95: the highest of the days’ 95th percentiles. Counts follow within a few minutes.
  </p>
);

type Props<T> = {
  label: string;
  query: UseInfiniteQueryResult<InfiniteData<Page<T>>>;
  columns: Column<T>[];
  rowKey: (report: T) => string;
  nothing: ReactNode;
};

function Report<T>({ label, query, columns, rowKey, nothing }: Props<T>) {
  const reports = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Card aria-label={label} aria-busy={query.isPlaceholderData}>
      {query.isPending && <ListSkeleton />}
      {query.isError && !query.data && (
        <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
      )}
      {query.isSuccess && reports.length === 0 && nothing}
      {reports.length > 0 && (
        <DataList
          label={label}
          columns={columns}
          items={reports}
          rowKey={rowKey}
          grid="md:grid-cols-[minmax(0,1fr)_4.5rem_6rem_8.5rem_4rem_5.5rem_5.5rem]"
        />
      )}
      <LoadMore
        has={query.hasNextPage}
        loading={query.isFetchingNextPage}
        shown={reports.length}
        load={() => void query.fetchNextPage()}
      />
      {reports.length > 0 && HOW_COUNTED}
    </Card>
  );
}

type Part = { search: ReportsSearch; span: Span };

function Jobs({ search, span }: Part) {
  return (
    <Report
      label="Jobs"
      query={useInfiniteQuery(jobReportQuery(span))}
      columns={JOB_COLUMNS}
      rowKey={({ job }) => job.id}
      nothing={
        <Nothing search={search}>
          A job is listed as soon as a run of it is reported or missed. Counting takes a few minutes.
        </Nothing>
      }
    />
  );
}

function Endpoints({ search, span }: Part) {
  return (
    <Report
      label="Endpoints"
      query={useInfiniteQuery(endpointReportQuery(span))}
      columns={ENDPOINT_COLUMNS}
      rowKey={({ endpoint }) => endpoint.id}
      nothing={
        <Nothing search={search}>
          An endpoint is listed as soon as its agent reports a run. Runs that are reported by ping belong to
          none.
        </Nothing>
      }
    />
  );
}

export function ReportsPage({ search }: { search: ReportsSearch }) {
  const { by, days } = search;
  const span = spanOf(search, now());
  const to = (other: ReportsSearch["by"]) => ({
    active: by === other,
    link: { to: "/reports" as const, search: { ...(other && { by: other }), ...(days && { days }) } },
  });
  return (
    <>
      <PageHeader title="Reports" actions={<Range days={days} />}>
        How runs went, {spanText(span)}, days in UTC.
      </PageHeader>
      <TabLinks
        label="Reports by"
        tabs={[
          { label: "Jobs", ...to(undefined) },
          { label: "Endpoints", ...to("endpoints") },
        ]}
      />
      {by ? <Endpoints search={search} span={span} /> : <Jobs search={search} span={span} />}
    </>
  );
}
