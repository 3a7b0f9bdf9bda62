import { oneOf, type Raw } from "@/lib/search";

/** Open incidents when the address says nothing. */
export type IncidentsSearch = { state?: "resolved" | "all" | undefined };

export const incidentsSearch = (raw: Raw): IncidentsSearch => ({
  state: oneOf(["resolved", "all"], raw.state),
});

/** What the API is asked for. */
export const wanted = ({ state }: IncidentsSearch) => (state === "all" ? undefined : (state ?? "open"));
