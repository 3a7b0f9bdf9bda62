import type { IncidentFilter } from "@/client/api";
import type { IncidentKind, Severity } from "@/client/types";
import { oneOf, type Raw, text } from "@/lib/search";

/** Open incidents when the address says nothing. */
export type IncidentsSearch = {
  state?: "resolved" | "all" | undefined;
  kind?: IncidentKind | undefined;
  severity?: Severity | undefined;
  /** `namespace/name` */
  job?: string | undefined;
  /** Its id. */
  endpoint?: string | undefined;
};

const word = (value: unknown) => (/^[a-z_]+$/.test(text(value) ?? "") ? text(value) : undefined);

export const incidentsSearch = (raw: Raw): IncidentsSearch => ({
  state: oneOf(["resolved", "all"], raw.state),
  kind: word(raw.kind) as IncidentKind | undefined,
  severity: oneOf(["critical", "error", "warning", "info"], raw.severity),
  job: text(raw.job),
  endpoint: text(raw.endpoint),
});

/** What the API is asked for. What is a part of another incident is on its page, unless one looks for a job. */
export const wanted = ({ state, ...filter }: IncidentsSearch): IncidentFilter => ({
  ...filter,
  state: state === "all" ? undefined : (state ?? "open"),
  top: filter.job || filter.endpoint ? undefined : true,
});
