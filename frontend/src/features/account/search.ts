import { oneOf, type Raw } from "@/lib/search";

/** The profile when the address says nothing. */
export type AccountSearch = { tab?: "security" | "sessions" | "activity" | undefined };

export const accountSearch = (raw: Raw): AccountSearch => ({
  tab: oneOf(["security", "sessions", "activity"], raw.tab),
});
