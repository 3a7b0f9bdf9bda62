import { RUN_STATES, type RunState } from "@/client/types";
import { oneOf, type Raw, text } from "@/lib/search";

export const WINDOWS = { "1h": 3600, "24h": 86_400, "7d": 604_800 } as const;
export type Window = keyof typeof WINDOWS;

export type RunsSearch = {
  state?: RunState | undefined;
  /** `namespace/name` */
  job?: string | undefined;
  namespace?: string | undefined;
  endpoint_id?: string | undefined;
  window?: Window | undefined;
};

export const runsSearch = (raw: Raw): RunsSearch => ({
  state: oneOf(RUN_STATES, raw.state),
  job: text(raw.job),
  namespace: text(raw.namespace),
  endpoint_id: text(raw.endpoint_id),
  window: oneOf(["1h", "24h", "7d"], raw.window),
});

/** The part of the address that the API filters by, and how far back. */
export function toQuery({ window, ...filter }: RunsSearch) {
  return [filter, window && WINDOWS[window]] as const;
}
