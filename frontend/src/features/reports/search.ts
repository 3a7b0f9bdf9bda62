import { oneOf, type Raw } from "@/lib/search";

/** Jobs and 30 days when the address says nothing. A span is kept as its length: a bookmark stays up to date. */
export type ReportsSearch = { by?: "endpoints" | undefined; days?: 7 | 90 | undefined };

export const reportsSearch = (raw: Raw): ReportsSearch => ({
  by: oneOf(["endpoints"], raw.by),
  days: ([7, 90] as const).find((days) => days === Number(raw.days)),
});

/** Days in UTC, `YYYY-MM-DD`, both included. */
export type Span = { from: string; to: string };

const DAY_MS = 86_400_000;
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** As many days as asked for, today the last of them. */
export const spanOf = ({ days }: ReportsSearch, now: number): Span => ({
  from: dayOf(now - ((days ?? 30) - 1) * DAY_MS),
  to: dayOf(now),
});

const inWords = (day: string, year: boolean) =>
  new Date(`${day}T00:00:00Z`).toLocaleDateString("en-GB", {
    timeZone: "UTC",
    day: "numeric",
    month: "short",
    ...(year ? { year: "numeric" } : {}),
  });

/** "16 Nov – 22 Nov 2026"; the first year only where it is another one. */
export const spanText = ({ from, to }: Span) =>
  `${inWords(from, from.slice(0, 4) !== to.slice(0, 4))} – ${inWords(to, true)}`;
