import type { JobMatch } from "@/client/types";
import { Tag } from "@/components/ui/badge";
import { Labels } from "./bits";

/** Which jobs are meant. */
export function MatchWords({ match = {} }: { match?: JobMatch | undefined }) {
  const { namespaces = [], matchLabels = {} } = match;
  if (namespaces.length === 0 && Object.keys(matchLabels).length === 0) {
    return <span className="text-muted">all jobs</span>;
  }
  return (
    <span className="inline-flex min-w-0 flex-wrap items-center gap-1">
      {namespaces.map((name) => (
        <Tag key={name}>{name}/</Tag>
      ))}
      <Labels labels={matchLabels} />
    </span>
  );
}
