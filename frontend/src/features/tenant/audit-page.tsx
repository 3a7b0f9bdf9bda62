import { useInfiniteQuery } from "@tanstack/react-query";
import { Download, ScrollText } from "lucide-react";
import { auditQuery } from "@/client/queries";
import { auditExport } from "@/client/tenancy";
import type { AuditEntry } from "@/client/types";
import { actionWords, Changes } from "@/components/domain/log";
import { QueryError } from "@/components/domain/query-error";
import { buttonVariants } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { type Column, DataList, LoadMore } from "@/components/ui/data-list";
import { Empty, Message } from "@/components/ui/message";
import { ListSkeleton } from "@/components/ui/skeleton";
import { Time } from "@/components/ui/time";
import { useMay } from "@/lib/session";
import { AuditFilters } from "./audit-filters";
import { SettingsFrame } from "./frame";
import { type AuditSearch, wanted } from "./search";

const COLUMNS: Column<AuditEntry>[] = [
  {
    id: "what",
    header: "What",
    className: "max-md:order-1 max-md:flex-1",
    cell: (entry) => (
      <>
        <p className="break-words">
          <span className="font-medium">{actionWords(entry.action)}</span>{" "}
          <span className="text-muted">{entry.subject.name}</span>
        </p>
        <Changes before={entry.before ?? null} after={entry.after ?? null} />
      </>
    ),
  },
  {
    id: "who",
    header: "Who",
    className: "max-md:order-4 max-md:text-xs",
    cell: (entry) => (
      <>
        <p className="truncate" title={entry.agent ?? undefined}>
          {entry.actor.name}
          {entry.actor.kind !== "user" && <span className="text-subtle"> ({entry.actor.kind})</span>}
        </p>
        <p className="text-subtle text-xs">{entry.address}</p>
      </>
    ),
  },
  {
    id: "when",
    header: "When",
    className: "text-muted max-md:order-2 max-md:text-xs md:text-right",
    cell: (entry) => <Time at={entry.at} />,
  },
];

const FORMATS = [
  { format: "csv", word: "CSV" },
  { format: "ndjson", word: "NDJSON" },
] as const;

export function AuditPage({ search }: { search: AuditSearch }) {
  const admin = useMay("tenant:admin");
  return (
    <SettingsFrame
      at="/settings/audit"
      actions={
        admin &&
        FORMATS.map(({ format, word }) => (
          <a key={format} href={auditExport(wanted(search), format)} download className={buttonVariants()}>
            <Download aria-hidden /> {word}
          </a>
        ))
      }
    >
      {admin ? (
        <>
          <AuditFilters search={search} />
          <Entries search={search} />
        </>
      ) : (
        <Message tone="info" title="The audit log is for admins">
          Ask an admin of this tenant, or to be made one.
        </Message>
      )}
    </SettingsFrame>
  );
}

function Entries({ search }: { search: AuditSearch }) {
  const query = useInfiniteQuery(auditQuery(wanted(search)));
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  const filtered = Object.values(search).some((each) => each !== undefined);
  return (
    <Card aria-label="Audit log" aria-busy={query.isPlaceholderData}>
      {query.isPending && <ListSkeleton rows={6} />}
      {query.isError && !query.data && (
        <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
      )}
      {query.isSuccess && entries.length === 0 && (
        <Empty icon={<ScrollText />} title={filtered ? "Nothing matches" : "Nothing yet"}>
          {filtered
            ? "Names are those that things and people had at that time."
            : "Changes of members, tokens, endpoints and settings are kept here for 400 days. Changes of jobs are in Git."}
        </Empty>
      )}
      {entries.length > 0 && (
        <DataList
          label="Audit log"
          columns={COLUMNS}
          items={entries}
          rowKey={({ id }) => id}
          grid="md:grid-cols-[minmax(0,1fr)_12rem_7rem]"
        />
      )}
      <LoadMore
        has={query.hasNextPage}
        loading={query.isFetchingNextPage}
        shown={entries.length}
        load={() => void query.fetchNextPage()}
      />
    </Card>
  );
}
