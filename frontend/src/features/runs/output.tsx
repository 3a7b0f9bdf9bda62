import { useQuery } from "@tanstack/react-query";
import { ArrowDownToLine, Download, WrapText } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { API } from "@/client/http";
import { isProblem } from "@/client/problem";
import { runOutputQuery } from "@/client/queries";
import type { Run } from "@/client/types";
import { QueryError } from "@/components/domain/query-error";
import { Button, buttonVariants } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { CopyButton } from "@/components/ui/copy";
import { Message } from "@/components/ui/message";
import { Skeleton } from "@/components/ui/skeleton";
import { cn } from "@/lib/cn";
import { formatBytes } from "@/lib/format";
import { plainText } from "./plain-text";

function Tools({
  run,
  text,
  wrap,
  setWrap,
}: {
  run: Run;
  text: string;
  wrap: boolean;
  setWrap: (wrap: boolean) => void;
}) {
  return (
    <>
      {run.output && <span className="tabular mr-1">{formatBytes(run.output.total_bytes)}</span>}
      <Button
        variant="ghost"
        size="iconSm"
        aria-label="Wrap long lines"
        title="Wrap long lines"
        aria-pressed={wrap}
        className="aria-pressed:bg-hover aria-pressed:text-text"
        onClick={() => setWrap(!wrap)}
      >
        <WrapText aria-hidden />
      </Button>
      <CopyButton text={text} what="output" />
      <a
        href={`${API}/runs/${run.id}/output`}
        download={`${run.job.namespace}-${run.job.name}-${run.id}.txt`}
        aria-label="Download output"
        title="Download"
        className={buttonVariants({ variant: "ghost", size: "iconSm" })}
      >
        <Download aria-hidden />
      </a>
    </>
  );
}

/** Numbers come from a CSS counter: they are seen, and never copied. */
function Lines({
  text,
  wrap,
  fromEnd,
  follow,
}: {
  text: string;
  wrap: boolean;
  fromEnd: boolean;
  follow: boolean;
}) {
  const box = useRef<HTMLElement>(null);
  const lines = useMemo(() => text.replace(/\n$/, "").split("\n"), [text]);
  useEffect(() => {
    // What broke stands at the end.
    if (fromEnd && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [fromEnd]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever there are more lines
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [follow, lines]);
  return (
    <section
      ref={box}
      aria-label="Output"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
      tabIndex={0}
      className="max-h-[32rem] overflow-auto rounded-b-lg bg-sunken py-2 -outline-offset-2"
    >
      <pre
        className={cn(
          "min-w-full font-mono text-xs leading-5 [counter-reset:line]",
          wrap ? "w-full" : "w-max",
        )}
      >
        {lines.map((line, index) => (
          <span
            // biome-ignore lint/suspicious/noArrayIndexKey: a line of text has no other identity
            key={index}
            className={cn(
              "block pr-4 pl-14 [counter-increment:line] before:-ml-14 before:inline-block before:w-14 before:select-none before:pr-4 before:text-right before:text-subtle before:content-[counter(line)] hover:bg-hover",
              wrap ? "whitespace-pre-wrap break-all" : "whitespace-pre",
            )}
          >
            {line || " "}
          </span>
        ))}
      </pre>
    </section>
  );
}

export function RunOutput({ run }: { run: Run }) {
  const [wrap, setWrap] = useState(true);
  const [follow, setFollow] = useState(true);
  const running = run.state === "running";
  const query = useQuery({ ...runOutputQuery(run.id), enabled: run.output !== null });
  const text = useMemo(() => plainText(query.data ?? ""), [query.data]);
  const gone = isProblem(query.error, 404);
  const has = run.output !== null && !gone;
  return (
    <Card>
      <CardHeader
        title="Output"
        aside={
          has &&
          query.isSuccess && (
            <>
              {running && (
                <Button
                  variant="ghost"
                  size="sm"
                  aria-pressed={follow}
                  className="aria-pressed:bg-hover aria-pressed:text-text"
                  onClick={() => setFollow(!follow)}
                >
                  <ArrowDownToLine aria-hidden />
                  Follow
                </Button>
              )}
              <Tools run={run} text={text} wrap={wrap} setWrap={setWrap} />
            </>
          )
        }
      />
      {run.output?.truncated && (
        <Message
          tone="info"
          className="m-3"
          title={`Only ${formatBytes(run.output.bytes)} of ${formatBytes(run.output.total_bytes)} were kept`}
        >
          The beginning and the end; the middle is left out. See{" "}
          <code className="font-mono">spec.output</code> to keep more.
        </Message>
      )}
      {!has && (
        <p className="px-4 py-8 text-center text-muted text-sm">
          {running
            ? "Nothing was reported yet. Output appears here by itself."
            : "This run reported no output."}
        </p>
      )}
      {has && query.isPending && <Skeleton className="m-4 h-40" />}
      {has && query.isError && !query.data && (
        <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
      )}
      {has && query.isSuccess && (
        <Lines text={text} wrap={wrap} fromEnd={run.state !== "success"} follow={running && follow} />
      )}
    </Card>
  );
}
