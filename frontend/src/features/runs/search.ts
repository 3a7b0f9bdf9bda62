import { API, withQuery } from "@/client/http";
import { RUN_STATES, type RunState } from "@/client/types";
import { listOf, oneOf, type Raw, text } from "@/lib/search";

export const WINDOWS = { "1h": 3600, "24h": 86_400, "7d": 604_800 } as const;
export type Window = keyof typeof WINDOWS;

export type RunsSearch = {
  state?: RunState | undefined;
  /** `namespace/name` */
  job?: string | undefined;
  namespace?: string | undefined;
  /** `key=value` of the job: all of them */
  label?: string[] | undefined;
  endpoint_id?: string | undefined;
  window?: Window | undefined;
};

/** What the API takes for a label, and how many of them. */
const LABEL = /^[^=]{1,128}=[^=]{0,63}$/;
const MOST_LABELS = 16;

const keyOf = (label: string) => label.slice(0, label.indexOf("="));

/** A job has one value for a key, so a label takes the place of the one with its key. Undefined: not a label. */
export function withLabel(labels: readonly string[], written: string): string[] | undefined {
  const label = written.trim();
  if (!LABEL.test(label)) return undefined;
  return [...labels.filter((each) => keyOf(each) !== keyOf(label)), label].slice(-MOST_LABELS);
}

/** Undefined and not an empty list where there is none: an address does not carry empty lists. */
export function withoutLabel(labels: readonly string[], label: string): string[] | undefined {
  const left = labels.filter((each) => each !== label);
  return left.length > 0 ? left : undefined;
}

const labelsIn = (value: unknown): string[] | undefined =>
  listOf(value)?.reduce<string[] | undefined>(
    (kept, label) => withLabel(kept ?? [], label) ?? kept,
    undefined,
  );

export const runsSearch = (raw: Raw): RunsSearch => ({
  state: oneOf(RUN_STATES, raw.state),
  job: text(raw.job),
  namespace: text(raw.namespace),
  label: labelsIn(raw.label),
  endpoint_id: text(raw.endpoint_id),
  window: oneOf(["1h", "24h", "7d"], raw.window),
});

/** The part of the address that the API filters by, and how far back. */
export function toQuery({ window, ...filter }: RunsSearch) {
  return [filter, window && WINDOWS[window]] as const;
}

/** Where all runs that fit the filters can be downloaded. */
export function exportUrl(search: RunsSearch, format: "csv" | "ndjson", now: number): string {
  const [filter, seconds] = toQuery(search);
  const since = seconds && new Date(now - seconds * 1000).toISOString();
  return withQuery(`${API}/runs`, { format, ...filter, since });
}
