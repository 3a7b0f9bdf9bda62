import { z } from "@/lib/zod";

export const incidentsSearch = z.object({
  state: z.enum(["open", "resolved", "all"]).default("open").catch("open"),
});
export type IncidentsSearch = z.infer<typeof incidentsSearch>;
