import { RotateCw, ServerOff } from "lucide-react";
import type { ReactNode } from "react";
import { Problem, Unreachable } from "@/client/problem";
import { Button } from "@/components/ui/button";
import { Empty, Message } from "@/components/ui/message";
import { formatDuration } from "@/lib/format";

/** What went wrong in words for a person, and what to do next. */
export function explain(error: unknown): { title: string; detail: string } {
  if (error instanceof Unreachable) {
    return {
      title: "The server did not answer",
      detail: "Check your connection. If others have the same, look whether crontopus-server is running.",
    };
  }
  if (error instanceof Problem) return explainProblem(error);
  return {
    title: "Something went wrong in this page",
    detail: error instanceof Error ? error.message : String(error),
  };
}

function explainProblem(problem: Problem): { title: string; detail: string } {
  const said = /[.!?]$/.test(problem.message) ? problem.message : `${problem.message}.`;
  const hint = problem.hint ? ` ${problem.hint}` : "";
  if (problem.status === 429) {
    const wait = problem.retryAfterSeconds
      ? ` Try again in ${formatDuration(problem.retryAfterSeconds)}.`
      : "";
    return { title: "Too many requests", detail: `${said}${wait}` };
  }
  if (problem.status === 403) {
    return { title: "You may not do this", detail: `${said}${hint}` };
  }
  if (problem.status >= 500) {
    return {
      title: "The server has a problem",
      detail: `${said}${hint} Your jobs keep running meanwhile.`,
    };
  }
  return { title: problem.message, detail: problem.hint ?? "" };
}

type Props = { error: unknown; retry: () => void; busy?: boolean };

/** In place of a list or page that could not be loaded. */
export function QueryError({ error, retry, busy = false }: Props) {
  const { title, detail } = explain(error);
  return (
    <div role="alert">
      <Empty
        icon={<ServerOff />}
        title={title}
        actions={
          <Button onClick={retry} busy={busy}>
            <RotateCw aria-hidden /> Try again
          </Button>
        }
      >
        {detail}
      </Empty>
    </div>
  );
}

/** For the answer to a form or button. Line errors are shown by who can place them. */
export function ActionError({ error, children }: { error: unknown; children?: ReactNode }) {
  if (!error) return null;
  const { title, detail } = explain(error);
  return (
    <Message tone="bad" title={title} announce>
      {detail || children ? (
        <>
          {detail}
          {children}
        </>
      ) : undefined}
    </Message>
  );
}
