import { useSyncExternalStore } from "react";
import { now, onTick } from "@/lib/clock";
import { formatDuration, formatExact, formatRelative } from "@/lib/format";

type Props = {
  at: string | null | undefined /** Shown when there is no time. */;
  none?: string;
  className?: string;
};

/**
 * A relative time that keeps itself right. The snapshot is the text, so a thousand of these re-render only
 * when their own words change.
 */
export function Time({ at, none = "–", className }: Props) {
  const text = useSyncExternalStore(onTick, () => (at ? formatRelative(at, now()) : none));
  if (!at) return <span className={className}>{none}</span>;
  return (
    <time dateTime={at} title={formatExact(at)} className={className}>
      {text}
    </time>
  );
}

type DurationProps = {
  seconds: number | null /** Counts up from here while there is no duration. */;
  since?: string | null;
};

export function Duration({ seconds, since }: DurationProps) {
  const text = useSyncExternalStore(onTick, () => {
    if (seconds !== null) return formatDuration(seconds);
    if (!since) return "–";
    return formatDuration(Math.max(0, Math.floor((now() - Date.parse(since)) / 1000)));
  });
  return <span className="tabular">{text}</span>;
}
