import { Link } from "@tanstack/react-router";
import { Radio, Server } from "lucide-react";
import type { JobRef, Mode } from "@/client/types";
import { Tag } from "@/components/ui/badge";
import { cn } from "@/lib/cn";

const MODES = {
  agent: {
    word: "agent",
    icon: <Server aria-hidden />,
    means: "An agent puts it into the scheduler of its endpoints.",
  },
  ping: { word: "ping", icon: <Radio aria-hidden />, means: "Runs anywhere and reports by HTTP request." },
};

export function ModeTag({ mode }: { mode: Mode }) {
  const { word, icon, means } = MODES[mode];
  return (
    <Tag title={means}>
      {icon}
      {word}
    </Tag>
  );
}

/** `namespace/name` with the namespace in the background. */
export function JobAddress({ job }: { job: Pick<JobRef, "namespace" | "name"> }) {
  return (
    <>
      <span className="font-normal text-subtle">{job.namespace}/</span>
      {job.name}
    </>
  );
}

export function JobLink({ job, className }: { job: JobRef; className?: string }) {
  return (
    <Link
      to="/jobs/$namespace/$name"
      params={{ namespace: job.namespace, name: job.name }}
      className={cn("rounded-sm hover:text-accent-text hover:underline underline-offset-2", className)}
    >
      <JobAddress job={job} />
    </Link>
  );
}

export function Labels({ labels, max }: { labels: Record<string, string>; max?: number }) {
  const all = Object.entries(labels);
  const shown = max === undefined ? all : all.slice(0, max);
  return (
    <span className="flex min-w-0 flex-wrap items-center gap-1">
      {shown.map(([key, value]) => (
        <Tag key={key}>
          <span className="truncate">
            {key}={value}
          </span>
        </Tag>
      ))}
      {all.length > shown.length && (
        <Tag
          title={all
            .slice(shown.length)
            .map((pair) => pair.join("="))
            .join(", ")}
        >
          +{all.length - shown.length}
        </Tag>
      )}
    </span>
  );
}
