import { useQuery } from "@tanstack/react-query";
import { FileCog } from "lucide-react";
import { documentsQuery } from "@/client/queries";
import type { DocumentKind, RepositoryDocument } from "@/client/types";
import { QueryError } from "@/components/domain/query-error";
import { Tag } from "@/components/ui/badge";
import { Card, CardHeader } from "@/components/ui/card";
import { CodeBlock } from "@/components/ui/code";
import { Fold } from "@/components/ui/fold";
import { Empty } from "@/components/ui/message";
import { ListSkeleton } from "@/components/ui/skeleton";
import { Time } from "@/components/ui/time";

const WORDS: Record<DocumentKind, string> = {
  Policy: "Policy",
  AlertRoute: "Alert route",
  MaintenanceWindow: "Maintenance window",
};

const DocumentFold = ({ document }: { document: RepositoryDocument }) => (
  <Fold
    summary={
      <>
        <span className="min-w-0 flex-1 basis-32 break-words font-medium">{document.name}</span>
        <Tag>{WORDS[document.kind]}</Tag>
        <span className="text-subtle text-xs">
          {document.changed_by}, <Time at={document.changed_at} />
        </span>
      </>
    }
  >
    <CodeBlock title={document.path} code={document.yaml} what={`${document.name}.yaml`} />
  </Fold>
);

/** What lives in `.crontopus/`. Changed with Git. */
export function DocumentsCard() {
  const query = useQuery(documentsQuery);
  const documents = query.data?.items ?? [];
  return (
    <Card>
      <CardHeader
        title="Policies, routes and windows"
        aside={<code className="font-mono">.crontopus/</code>}
      />
      {query.isPending && <ListSkeleton rows={3} />}
      {query.isError && (
        <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
      )}
      {query.isSuccess && documents.length === 0 && (
        <Empty icon={<FileCog />} title="None yet">
          Policies say what jobs may be, routes who is told, windows when nobody is. Add them with Git.
        </Empty>
      )}
      <div className="divide-y divide-line">
        {documents.map((document) => (
          <DocumentFold key={document.path} document={document} />
        ))}
      </div>
    </Card>
  );
}
