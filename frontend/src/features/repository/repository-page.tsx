import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck } from "lucide-react";
import { repositoryQuery } from "@/client/queries";
import type { InvalidFile, Repository } from "@/client/types";
import { ManifestErrors } from "@/components/domain/manifest-errors";
import { QueryError } from "@/components/domain/query-error";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { CodeBlock } from "@/components/ui/code";
import { CopyButton } from "@/components/ui/copy";
import { Facts, PageHeader } from "@/components/ui/page";
import { ListSkeleton } from "@/components/ui/skeleton";
import { Time } from "@/components/ui/time";
import { shortCommit } from "@/lib/format";
import { BranchCheck } from "./branch-check";
import { DocumentsCard } from "./documents-card";
import type { RepositorySearch } from "./search";
import { SignersCard } from "./signers-card";

const count = (value: number) => value.toLocaleString("en-GB");

function InForce({ commit }: { commit: string | null }) {
  if (!commit) return <span className="text-subtle">No commit yet</span>;
  return (
    <span className="inline-flex items-center gap-1">
      <code className="font-mono text-xs" title={commit}>
        {shortCommit(commit)}
      </code>
      <CopyButton text={commit} what="commit id" />
    </span>
  );
}

function Place({ repository }: { repository: Repository }) {
  return (
    <Card>
      <CardHeader title="Clone" />
      <CardBody className="flex flex-col gap-4">
        <CodeBlock code={`git clone ${repository.clone_url}`} what="clone command" wrap />
        <p className="text-muted text-sm">
          Any name, and an{" "}
          <Link to="/tokens" className="text-accent-text underline underline-offset-2">
            API token
          </Link>{" "}
          as password. What is pushed to <code className="font-mono text-xs">main</code> is in force at once.
        </p>
        <Facts
          items={[
            { label: "In force", value: <InForce commit={repository.commit} /> },
            { label: "Since", value: <Time at={repository.projected_at} /> },
            { label: "Jobs", value: `${count(repository.jobs)} of ${count(repository.jobs_limit)}` },
          ]}
        />
      </CardBody>
    </Card>
  );
}

function InvalidFiles({ files }: { files: InvalidFile[] }) {
  if (files.length === 0) {
    return (
      <p className="flex items-center gap-2 text-muted text-sm">
        <CircleCheck aria-hidden className="size-4 text-ok" /> Every file is valid and in force.
      </p>
    );
  }
  return (
    <>
      {files.map((file) => (
        <div key={file.path} className="flex flex-col gap-1.5">
          <ManifestErrors
            title={`${file.path} is invalid; its last good version stays in force`}
            errors={file.errors}
          />
          <p className="text-subtle text-xs">
            {file.changed_by}, <Time at={file.changed_at} /> ·{" "}
            <code className="font-mono">{shortCommit(file.commit_id)}</code>
          </p>
        </div>
      ))}
    </>
  );
}

export function RepositoryPage({ search }: { search: RepositorySearch }) {
  const query = useQuery(repositoryQuery);
  return (
    <>
      <PageHeader title="Repository">
        The one place where jobs are defined, with history and review.
      </PageHeader>
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="flex min-w-0 flex-col gap-4">
          {query.data && <InvalidFiles files={query.data.invalid_files} />}
          <BranchCheck key={search.ref} branch={search.ref} />
          <DocumentsCard />
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          {query.data && <Place repository={query.data} />}
          {query.isPending && (
            <Card>
              <ListSkeleton rows={3} />
            </Card>
          )}
          {query.isError && !query.data && (
            <Card>
              <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
            </Card>
          )}
          <SignersCard />
        </div>
      </div>
    </>
  );
}
