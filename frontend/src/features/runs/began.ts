import type { Run } from "@/client/types";

/** When a run took place: its start; a bare ping only has an end, a missed run only the slot it was due in. */
export const beganAt = (run: Run) => run.started_at ?? run.finished_at ?? run.slot_at;
