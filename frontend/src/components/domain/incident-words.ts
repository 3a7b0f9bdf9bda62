import type { IncidentKind, Severity } from "@/client/types";

const KINDS: Record<IncidentKind, string> = {
  failing: "Failing",
  missed: "Missed",
  stuck: "Stuck",
  too_often: "Too often",
  slow: "Slow",
  endpoint_offline: "Endpoint offline",
  sync_stalled: "Sync stalled",
  drifted: "Drifted",
  clone_suspected: "Clone suspected",
  repository_invalid: "Repository invalid",
  outage: "Outage",
  channel_failing: "Channel failing",
};

export const kindWord = (kind: IncidentKind): string => KINDS[kind] ?? kind;

export const severityWord = (severity: Severity): string =>
  severity.slice(0, 1).toUpperCase() + severity.slice(1);
