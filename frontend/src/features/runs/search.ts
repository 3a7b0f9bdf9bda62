import { API } from "@/client/http";
import { RUN_STATES, type RunState } from "@/client/types";
import { oneOf, type Raw, text } from "@/lib/search";

export const WINDOWS = { "1h": 3600, "24h": 86_400, "7d": 604_800 } as const;
export type Window = keyof typeof WINDOWS;

export type RunsSearch = {
  state?: RunState | undefined;
  /** `namespace/name` */
  job?: string | undefined;
  namespace?: string | undefined;
  /** `key=value` of the job */
  label?: string | undefined;
  endpoint_id?: string | undefined;
  window?: Window | undefined;
};

export const runsSearch = (raw: Raw): RunsSearch => ({
  state: oneOf(RUN_STATES, raw.state),
  job: text(raw.job),
  namespace: text(raw.namespace),
  label: text(raw.label),
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
  const query = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(filter)) if (value) query.set(name, value);
  if (seconds) query.set("since", new Date(now - seconds * 1000).toISOString());
  return `${API}/runs?${query}`;
}
