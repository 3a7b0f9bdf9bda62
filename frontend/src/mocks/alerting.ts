import { stringify } from "yaml";
import type {
  AlertRoute,
  Channel,
  DeliveryDetail,
  IncidentDetail,
  MaintenanceWindow,
  RepositoryDocument,
} from "@/client/types";
import { ago, uuid } from "./ids";

export type Alerting = {
  channels: Channel[];
  deliveries: DeliveryDetail[];
  routes: AlertRoute[];
  windows: MaintenanceWindow[];
  /** By path. */
  files: Map<string, RepositoryDocument>;
};

export const emptyAlerting = (): Alerting => ({
  channels: [],
  deliveries: [],
  routes: [],
  windows: [],
  files: new Map(),
});

export function makeChannel(name: string, kind: Channel["kind"], more: Partial<Channel> = {}): Channel {
  return {
    ...{ id: uuid(), name, kind, builtin: false, default: false, per_minute: 20 },
    ...{ config: { kind }, secrets: [], targets: [], state: "ready", problem: null },
    verified_at: ago(86_400 * 9),
    breaker: { state: "closed", failures: 0, failing_since: null, open_until: null },
    created_at: ago(86_400 * 12),
    ...more,
  };
}

const usualChannels = () => [
  makeChannel("Owners", "email", {
    builtin: true,
    default: true,
    config: { kind: "email", to: [], owners: true },
    targets: [{ target: "acme@example.com", state: "ready" }],
  }),
  makeChannel("ops", "slack", {
    config: { kind: "slack", channel: "#ops" },
    secrets: ["token", "signing_secret"],
    targets: [{ target: "#ops", state: "ready" }],
    state: "broken",
    problem: "Slack answered channel_not_found. Invite the app to the channel.",
  }),
  makeChannel("on-call", "pagerduty", {
    config: { kind: "pagerduty", region: "eu" },
    secrets: ["routing_key"],
    targets: [{ target: "PagerDuty (eu)", state: "ready" }],
  }),
  makeChannel("finance-team", "email", {
    config: { kind: "email", to: ["finance@example.com", "ledger@example.com"], owners: false },
    state: "unverified",
    verified_at: null,
    targets: [
      { target: "finance@example.com", state: "unverified" },
      { target: "ledger@example.com", state: "unsubscribed" },
    ],
  }),
  makeChannel("warehouse", "webhook", {
    config: { kind: "webhook", url: "https://hooks.example.com/crontopus" },
    secrets: ["signing_secret"],
    targets: [{ target: "https://hooks.example.com/crontopus", state: "ready" }],
    breaker: { state: "open", failures: 7, failing_since: ago(1200), open_until: ago(-240) },
  }),
];

export function makeDelivery(
  channel: Channel,
  incident: IncidentDetail,
  more: Partial<DeliveryDetail> = {},
): DeliveryDetail {
  const at = incident.opened_at;
  return {
    ...{ id: uuid(), incident_id: incident.id, channel_id: channel.id, kind: channel.kind },
    target: channel.targets[0]?.target ?? channel.name,
    ...{ event: "opened", state: "sent", attempts: 1, message_id: uuid(), last_error: null },
    ...{ created_at: at, sent_at: at, next_at: null, expires_at: null, held: null },
    tries: [{ at, took_ms: 212, ok: true, size: 1, status: 250, response: "OK queued", error: null }],
    ...more,
  };
}

function usualDeliveries(channels: Channel[], incidents: IncidentDetail[]): DeliveryDetail[] {
  const [owners, ops, , , warehouse] = channels;
  const [first, second, third] = incidents;
  if (!owners || !ops || !warehouse || !first || !second || !third) return [];
  const refused = { took_ms: 143, ok: false, size: 1, status: 404 };
  return [
    makeDelivery(owners, first),
    makeDelivery(ops, first, {
      ...{ state: "failed", attempts: 2, sent_at: null, last_error: "channel_not_found" },
      tries: [
        {
          ...refused,
          at: ago(2678),
          response: '{"ok":false,"error":"channel_not_found"}',
          error: "Slack refused it.",
        },
        {
          ...refused,
          at: ago(2673),
          response: '{"ok":false,"error":"channel_not_found"}',
          error: "Slack refused it.",
        },
      ],
    }),
    makeDelivery(warehouse, second, {
      ...{ state: "pending", attempts: 7, sent_at: null, last_error: "The server closed the connection." },
      ...{ next_at: ago(-240), expires_at: ago(-80_000) },
      tries: [
        {
          ...{ at: ago(900), took_ms: 10_000, ok: false, size: 3, status: null, response: null },
          error: "No answer within 10 s.",
        },
      ],
    }),
    makeDelivery(owners, third, { event: "reminded" }),
  ];
}

const routeYaml = (name: string, spec: string) =>
  `apiVersion: crontopus/v1\nkind: AlertRoute\nmetadata:\n  name: ${name}\nspec:\n${spec}`;

export function fileOf(kind: RepositoryDocument["kind"], name: string, yaml: string): RepositoryDocument {
  const folder = kind === "AlertRoute" ? "routes" : "windows";
  return {
    ...{ kind, name, yaml, path: `.crontopus/${folder}/${name}.yaml`, manifest: {}, etag: uuid() },
    ...{ commit: "4f2a9c1e7b3d58a6c0e91f24d7b8a35e6c1f0d92", changed_by: "ada", changed_at: ago(86_400) },
  };
}

const route = (name: string, spec: AlertRoute["spec"], problems: string[] = []): AlertRoute => ({
  ...{ name, path: `.crontopus/routes/${name}.yaml`, enabled: spec.enabled !== false, spec, problems },
});

const usualRoutes = () => [
  route("10-finance", {
    match: { namespaces: ["finance"], matchLabels: { team: "finance" } },
    channels: ["finance-team"],
    continue: false,
    quietHours: {
      timezone: "Europe/London",
      windows: [{ days: ["mon", "tue", "wed", "thu", "fri"], from: "19:00", to: "07:00" }],
    },
  }),
  route(
    "20-critical",
    {
      severities: ["critical"],
      channels: ["on-call", "pager-backup"],
      repeatEvery: "4h",
      escalate: [{ after: "15m", channels: ["Owners"] }],
    },
    ["there is no channel `pager-backup`: its part goes to the default channels"],
  ),
  route("30-weekend", { incidents: ["missed", "endpoint_offline"], channels: ["ops"], enabled: false }),
];

const usualWindows = (): MaintenanceWindow[] => [
  {
    ...{ name: "adhoc-2026-11-22-2130", path: ".crontopus/windows/adhoc-2026-11-22-2130.yaml" },
    reason: "Database upgrade",
    spec: { match: { matchLabels: { role: "db" } }, start: ago(1800), end: ago(-5400) },
    ...{ active: true, active_until: ago(-5400), next_start: null },
  },
  {
    ...{ name: "weekly-patching", path: ".crontopus/windows/weekly-patching.yaml", reason: "Patching" },
    spec: {
      match: { namespaces: ["production"] },
      schedule: "0 22 * * sat",
      duration: "4h",
      timezone: "Europe/London",
    },
    ...{ active: false, active_until: null, next_start: ago(-400_000) },
  },
  {
    ...{ name: "move-to-leeds", path: ".crontopus/windows/move-to-leeds.yaml", reason: null },
    spec: { start: ago(86_400 * 9), end: ago(86_400 * 8) },
    ...{ active: false, active_until: null, next_start: null },
  },
];

export function usualAlerting(incidents: IncidentDetail[]): Alerting {
  const channels = usualChannels();
  const routes = usualRoutes();
  const windows = usualWindows();
  const files = [
    ...routes.map(({ name, spec }) =>
      fileOf(
        "AlertRoute",
        name,
        routeYaml(name, `  # Asked for by the team.\n${stringify(spec).replace(/^/gm, "  ").trimEnd()}\n`),
      ),
    ),
    ...windows.map(({ name }) =>
      fileOf(
        "MaintenanceWindow",
        name,
        `apiVersion: crontopus/v1\nkind: MaintenanceWindow\nmetadata:\n  name: ${name}\nspec:\n  schedule: "0 22 * * sat"\n  duration: 4h\n`,
      ),
    ),
  ];
  return {
    ...{ channels, routes, windows, deliveries: usualDeliveries(channels, incidents) },
    files: new Map(files.map((file) => [file.path, file])),
  };
}

/** A thousand of each: nobody has so many, and the pages hold all the same. */
export function crowdAlerting({ channels, deliveries, routes, windows }: Alerting, count: number): void {
  const [sent] = deliveries;
  const [first, second] = [routes[0], windows[1]];
  for (let index = 0; index < count; index += 1) {
    const number = String(index).padStart(4, "0");
    const target = `team-${number}@example.com`;
    channels.push(makeChannel(`team-${number}`, "email", { targets: [{ target, state: "ready" }] }));
    if (sent) deliveries.push({ ...sent, id: uuid(), target, created_at: ago(9000 + index * 60) });
    if (first) routes.push({ ...first, name: `r-${number}`, path: `.crontopus/routes/r-${number}.yaml` });
    if (second) windows.push({ ...second, name: `w-${number}`, path: `.crontopus/windows/w-${number}.yaml` });
  }
}
