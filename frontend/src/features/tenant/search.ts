import type { AuditFilter } from "@/client/tenancy";
import { type Raw, text } from "@/lib/search";

/** `since` and `until` are days in UTC, both included. */
export type AuditSearch = AuditFilter;

const day = (value: unknown) => {
  const found = text(value);
  return found && /^\d{4}-\d{2}-\d{2}$/.test(found) ? found : undefined;
};

export const auditSearch = (raw: Raw): AuditSearch => ({
  actor: text(raw.actor),
  action: /^[a-z_]+(\.[a-z_]+)?$/.test(text(raw.action) ?? "") ? text(raw.action) : undefined,
  subject: text(raw.subject),
  since: day(raw.since),
  until: day(raw.until),
});

const DAY_MS = 86_400_000;

/** What the API is asked for: times, the end not included. */
export const wanted = ({ since, until, ...rest }: AuditSearch): AuditFilter => ({
  ...rest,
  since: since && `${since}T00:00:00Z`,
  until: until && new Date(Date.parse(`${until}T00:00:00Z`) + DAY_MS).toISOString(),
});
