import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { diffQuery } from "@/client/queries";
import type { Version } from "@/client/types";
import { ChangeBadge } from "@/components/domain/change-badge";
import { QueryError } from "@/components/domain/query-error";
import { Badge } from "@/components/ui/badge";
import { Card, CardBody } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { DiffView } from "@/components/ui/diff";
import { Skeleton } from "@/components/ui/skeleton";
import { Time } from "@/components/ui/time";
import { removalDiff } from "@/lib/diff";
import { shortCommit } from "@/lib/format";
import { RollBack } from "./roll-back";
import { subjectOf } from "./version-list";

type Props = {
  namespace: string;
  name: string;
  version: Version;
  newest: Version;
  previous: Version | undefined;
};

function Difference({ namespace, name, version, previous }: Props) {
  const gone = version.action === "deleted";
  // The API has no diff for a commit that removed the file; what it removed is the version before.
  const asked = gone ? previous : version;
  const query = useQuery({
    ...diffQuery(namespace, name, asked?.commit ?? ""),
    enabled: asked !== undefined,
  });
  if (!asked) return <p className="text-muted text-sm">This commit removed the file.</p>;
  if (query.data)
    return (
      <DiffView
        diff={gone ? removalDiff(query.data.after ?? "") : query.data.diff}
        label={`Changes in ${shortCommit(version.commit)}`}
      />
    );
  if (query.isError)
    return <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />;
  return <Skeleton className="h-48" />;
}

function Heading({ version }: { version: Version }) {
  const [, ...rest] = version.message.split("\n");
  const body = rest.join("\n").trim();
  return (
    <div className="min-w-0 flex-1">
      <h2 className="break-words font-medium">{subjectOf(version)}</h2>
      {body && <p className="mt-1 whitespace-pre-line break-words text-muted text-sm">{body}</p>}
      <p className="mt-1.5 flex flex-wrap items-center gap-x-2 gap-y-1 text-muted text-sm">
        <ChangeBadge action={version.action} />
        <span title={version.author_email}>{version.author}</span>
        <Time at={version.at} className="text-subtle" />
        <span className="inline-flex items-center">
          <code className="font-mono text-xs" title={version.commit}>
            {shortCommit(version.commit)}
          </code>
          <CopyButton text={version.commit} what="commit id" />
        </span>
      </p>
    </div>
  );
}

function Action({ namespace, name, version, newest, previous }: Props) {
  const newestHere = version.commit === newest.commit;
  if (newestHere && version.action === "deleted") {
    return previous ? <RollBack namespace={namespace} name={name} to={previous} newest={newest} /> : null;
  }
  if (newestHere) return <Badge>In force</Badge>;
  if (version.action === "deleted") return null;
  return <RollBack namespace={namespace} name={name} to={version} newest={newest} />;
}

/** One version: who, when, why, what it changed, and the way back to it. */
export function VersionCard(props: Props) {
  const { namespace, name, version } = props;
  return (
    <Card aria-label="Version">
      <CardBody className="flex flex-col gap-4">
        <Link
          to="/jobs/$namespace/$name"
          params={{ namespace, name }}
          search={{ tab: "history" }}
          className="flex w-fit items-center gap-1.5 rounded-sm text-muted text-sm hover:text-text lg:hidden"
        >
          <ArrowLeft aria-hidden className="size-4" /> All versions
        </Link>
        <div className="flex flex-col items-start justify-between gap-3 sm:flex-row">
          <Heading version={version} />
          <Action {...props} />
        </div>
        <Difference {...props} />
      </CardBody>
    </Card>
  );
}
