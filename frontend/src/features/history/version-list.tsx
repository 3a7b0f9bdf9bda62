import { Link } from "@tanstack/react-router";
import type { Version } from "@/client/types";
import { ChangeBadge } from "@/components/domain/change-badge";
import { rowLinkClass } from "@/components/ui/data-list";
import { Time } from "@/components/ui/time";
import { cn } from "@/lib/cn";
import { shortCommit } from "@/lib/format";

type Props = { namespace: string; name: string; versions: Version[]; selected: string | undefined };

export const subjectOf = (version: Version): string => version.message.split("\n", 1)[0] || "No message";

export function VersionList({ namespace, name, versions, selected }: Props) {
  return (
    <ol aria-label="Versions" className="divide-y divide-line">
      {versions.map((version) => {
        const current = version.commit === selected;
        return (
          <li
            key={version.commit}
            className={cn(
              "row-lazy relative flex flex-col gap-1 px-4 py-2.5 text-sm has-[a.row-link:hover]:bg-hover/60",
              current && "lg:bg-accent-soft lg:has-[a.row-link:hover]:bg-accent-soft",
            )}
          >
            <Link
              to="/jobs/$namespace/$name"
              params={{ namespace, name }}
              search={{ tab: "history", version: version.commit }}
              resetScroll={false}
              aria-current={current ? "true" : undefined}
              className={cn(rowLinkClass, "line-clamp-2 break-words")}
            >
              {subjectOf(version)}
            </Link>
            <div className="flex items-center gap-2 text-muted text-xs">
              <ChangeBadge action={version.action} />
              <span className="min-w-0 flex-1 truncate">
                {version.author}, <Time at={version.at} />
              </span>
              <code className="font-mono text-subtle">{shortCommit(version.commit)}</code>
            </div>
          </li>
        );
      })}
    </ol>
  );
}
