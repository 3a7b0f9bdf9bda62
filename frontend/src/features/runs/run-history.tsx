import { Link } from "@tanstack/react-router";
import type { Run, RunState } from "@/client/types";
import { RUN_LOOKS } from "@/components/domain/status";
import { cn } from "@/lib/cn";
import { formatDuration, formatExact } from "@/lib/format";
import { beganAt } from "./began";

const COLOURS: Record<RunState, string> = {
  success: "bg-ok-solid",
  running: "bg-info-solid motion-safe:animate-pulse",
  failure: "bg-bad-solid",
  timeout: "bg-bad-solid",
  missed: "bg-bad-solid",
  lost: "bg-warn-solid",
  skipped: "bg-idle-solid",
};
const HEIGHTS = ["h-2", "h-3", "h-4.5", "h-6", "h-8"];

/** Trouble is always tall; otherwise the height says how long it took among its neighbours. */
function heightOf(run: Run, longest: number): string {
  if (run.state === "missed" || run.state === "lost") return "h-8";
  const share = longest > 0 ? (run.duration_seconds ?? 0) / longest : 0;
  return HEIGHTS[Math.min(HEIGHTS.length - 1, Math.floor(share * HEIGHTS.length))] ?? "h-2";
}

function describe(run: Run): string {
  const at = beganAt(run);
  const parts = [RUN_LOOKS[run.state].word, at && formatExact(at)];
  if (run.duration_seconds !== null) parts.push(formatDuration(run.duration_seconds));
  return parts.filter(Boolean).join(", ");
}

const PLACES = Array.from({ length: 40 }, (_, index) => `place ${index}`);

/** The last runs at a glance, oldest at the left. */
export function RunHistory({ runs }: { runs: Run[] }) {
  const shown = runs.slice(0, PLACES.length).reverse();
  const longest = Math.max(0, ...shown.map((run) => run.duration_seconds ?? 0));
  return (
    <ol
      aria-label={`The last ${shown.length} runs`}
      className="flex h-16 items-end gap-0.75 overflow-hidden border-line border-b px-4 py-3"
    >
      {PLACES.slice(shown.length).map((place) => (
        <li key={place} aria-hidden className="h-1 w-2 min-w-0 flex-1 rounded-xs bg-line" />
      ))}
      {shown.map((run) => (
        <li key={run.id} className="flex h-full w-2 min-w-0 flex-1 items-end">
          <Link
            to="/runs/$id"
            params={{ id: run.id }}
            title={describe(run)}
            aria-label={describe(run)}
            className="group flex h-full w-full items-end rounded-sm"
          >
            <span
              className={cn(
                "w-full rounded-xs opacity-90 group-hover:opacity-100",
                COLOURS[run.state],
                heightOf(run, longest),
              )}
            />
          </Link>
        </li>
      ))}
    </ol>
  );
}
