/** Manifests under `.crontopus/` as the API's answers hold them: parsed, keys as in the file. docs/user/manifests.md. */
import type { components } from "./schema.gen";

type Incident = components["schemas"]["IncidentOut"];

/** Which jobs; no condition: all of them. */
export type JobMatch = { namespaces?: string[]; matchLabels?: Record<string, string> };
export type DayWindow = { days?: string[]; from: string; to: string };

export type RouteSpec = {
  match?: JobMatch;
  severities?: Incident["severity"][];
  incidents?: Incident["kind"][];
  channels: string[];
  continue?: boolean;
  enabled?: boolean;
  repeatEvery?: string;
  escalate?: { after: string; channels: string[] }[];
  quietHours?: { timezone?: string; windows: DayWindow[]; below?: Incident["severity"] };
};

export type WindowSpec = {
  reason?: string;
  match?: JobMatch;
  start?: string;
  end?: string;
  schedule?: string;
  duration?: string;
  timezone?: string;
};
