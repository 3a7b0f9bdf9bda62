import { RUN_STATES } from "@/client/types";
import { z } from "@/lib/zod";

export const WINDOWS = { "1h": 3600, "24h": 86_400, "7d": 604_800 } as const;
export type Window = keyof typeof WINDOWS;

export const runsSearch = z.object({
  state: z.enum(RUN_STATES).optional().catch(undefined),
  /** `namespace/name` */
  job: z.string().min(1).optional().catch(undefined),
  namespace: z.string().min(1).optional().catch(undefined),
  endpoint_id: z.string().min(1).optional().catch(undefined),
  window: z.enum(["1h", "24h", "7d"]).optional().catch(undefined),
});
export type RunsSearch = z.infer<typeof runsSearch>;

/** The part of the address that the API filters by, and how far back. */
export function toQuery({ window, ...filter }: RunsSearch) {
  return [filter, window && WINDOWS[window]] as const;
}
