import { z } from "@/lib/zod";

export const endpointsSearch = z.object({
  /** Opens "add an endpoint"; `labels` fills its labels in, as `key=value,key=value`. */
  add: z.boolean().optional().catch(undefined),
  labels: z.string().optional().catch(undefined),
});
export type EndpointsSearch = z.infer<typeof endpointsSearch>;
