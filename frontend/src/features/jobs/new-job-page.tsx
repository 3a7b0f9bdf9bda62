import { Link, useNavigate } from "@tanstack/react-router";
import { Radio, Server } from "lucide-react";
import type { Mode } from "@/client/types";
import { crumbClass, PageHeader } from "@/components/ui/page";
import { cn } from "@/lib/cn";
import { JobEditor } from "./job-editor";
import { TEMPLATES } from "./templates";

const MODES: { mode: Mode; title: string; text: string; icon: typeof Radio }[] = [
  {
    mode: "ping",
    title: "Ping mode",
    text: "Any scheduler runs it; it reports by an HTTP request.",
    icon: Radio,
  },
  {
    mode: "agent",
    title: "Agent mode",
    text: "Agents put it into the scheduler of your machines.",
    icon: Server,
  },
];

function ModeChoice({ mode }: { mode: Mode }) {
  return (
    <nav aria-label="Kind of job" className="mb-4 grid gap-2 sm:grid-cols-2">
      {MODES.map(({ mode: each, title, text, icon: Icon }) => (
        <Link
          key={each}
          to="/jobs/new"
          search={{ mode: each }}
          replace
          aria-current={mode === each ? "true" : undefined}
          className={cn(
            "flex items-start gap-3 rounded-lg border bg-surface p-3.5 shadow-card",
            mode === each
              ? "border-accent-text ring-1 ring-accent-text"
              : "border-line hover:border-line-strong",
          )}
        >
          <Icon
            aria-hidden
            className={cn("mt-0.5 size-4.5", mode === each ? "text-accent-text" : "text-subtle")}
          />
          <span>
            <span className="block font-medium text-sm">{title}</span>
            <span className="block text-muted text-sm">{text}</span>
          </span>
        </Link>
      ))}
    </nav>
  );
}

export function NewJobPage({ mode }: { mode: Mode }) {
  const navigate = useNavigate();
  return (
    <>
      <PageHeader
        crumbs={
          <Link to="/jobs" className={crumbClass}>
            Jobs
          </Link>
        }
        title="New job"
      />
      <ModeChoice mode={mode} />
      <JobEditor key={mode} original={TEMPLATES[mode]} onCancel={() => void navigate({ to: "/jobs" })} />
    </>
  );
}
