import { useMemo } from "react";
import { cn } from "@/lib/cn";
import { type DiffLine, parseDiff } from "@/lib/diff";

const LOOK = {
  added: { sign: "+", row: "bg-ok-soft", mark: "text-ok" },
  removed: { sign: "−", row: "bg-bad-soft", mark: "text-bad" },
  same: { sign: "", row: "", mark: "" },
};

const Number_ = ({ value }: { value: number | undefined }) => (
  <span aria-hidden className="tabular select-none pr-2 text-right text-subtle max-sm:hidden">
    {value}
  </span>
);

function Line({ line }: { line: DiffLine }) {
  if (line.kind === "gap" || line.kind === "note") {
    return (
      <div className="my-0.5 border-line border-y bg-hover px-3 py-0.5 font-sans text-muted">
        {line.kind === "note" ? line.text : `⋯ ${line.text}`}
      </div>
    );
  }
  const look = LOOK[line.kind];
  // <ins> and <del> say to a screen reader what colour and sign say to the eye.
  const Text = line.kind === "added" ? "ins" : line.kind === "removed" ? "del" : "span";
  return (
    <div className={cn("grid grid-cols-[1.5rem_1fr] sm:grid-cols-[2.5rem_2.25rem_1.25rem_1fr]", look.row)}>
      <Number_ value={"before" in line ? line.before : undefined} />
      <Number_ value={"after" in line ? line.after : undefined} />
      <span aria-hidden className={cn("select-none text-center font-medium", look.mark)}>
        {look.sign}
      </span>
      <Text className="whitespace-pre pr-4 no-underline">{line.text || " "}</Text>
    </div>
  );
}

type Props = { diff: string; label: string; className?: string };

/** A unified diff of one file: signs, colours and line numbers; scrolls inside itself. */
export function DiffView({ diff, label, className }: Props) {
  const lines = useMemo(() => parseDiff(diff), [diff]);
  if (lines.length === 0) return <p className="text-muted text-sm">The text is the same.</p>;
  return (
    <div
      role="group"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
      tabIndex={0}
      className={cn(
        "min-w-0 overflow-auto rounded-md border border-line bg-surface -outline-offset-2",
        className,
      )}
    >
      <div className="w-max min-w-full py-1 font-mono text-xs leading-5">
        {lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a diff never move
          <Line key={index} line={line} />
        ))}
      </div>
    </div>
  );
}
