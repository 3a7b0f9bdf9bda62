import { STATES } from "@/client/types";
import { z } from "@/lib/zod";

/** What the address of the job list may say. Nonsense in it is dropped, never an error page. */
export const jobsSearch = z.object({
  q: z.string().min(1).optional().catch(undefined),
  state: z.enum(STATES).optional().catch(undefined),
  namespace: z.string().min(1).optional().catch(undefined),
});
export type JobsSearch = z.infer<typeof jobsSearch>;

export const jobSearch = z.object({ tab: z.enum(["runs", "manifest"]).optional().catch(undefined) });
export type JobSearch = z.infer<typeof jobSearch>;

export const newJobSearch = z.object({ mode: z.enum(["ping", "agent"]).optional().catch(undefined) });
