import { type DefaultBodyType, HttpResponse, http, type StrictRequest } from "msw";
import { parse } from "yaml";
import type {
  AlertRoute,
  ChannelBody,
  IncidentDetail,
  JobMatch,
  NewWindow,
  RouteTest,
  RouteTestBody,
} from "@/client/types";
import { fileOf, makeChannel } from "./alerting";
import { ago, type World } from "./data";
import { notFound, page, problem, query, V1 } from "./respond";

const gone = () => new HttpResponse(null, { status: 204 });
const json = async <T>(request: Request) => (await request.json()) as T;

function channelHandlers(world: World) {
  const find = (id: unknown) => world.alerting.channels.find((channel) => channel.id === id);
  return [
    http.get(`${V1}/channels`, ({ request }) => HttpResponse.json(page(world.alerting.channels, request))),
    http.get(`${V1}/channels/:id`, ({ params }) => {
      const found = find(params.id);
      return found ? HttpResponse.json(found) : notFound("Channel");
    }),
    http.post(`${V1}/channels`, async ({ request }) => {
      const body = await json<ChannelBody>(request);
      if (world.alerting.channels.some(({ name }) => name === body.name))
        return problem(409, "name_taken", `There is a channel “${body.name}” already.`);
      const channel = makeChannel(body.name, body.config.kind, {
        ...{ default: body.default, per_minute: body.per_minute, config: body.config },
        ...{ state: "unverified", verified_at: null },
      });
      world.alerting.channels.push(channel);
      const signing_secret =
        channel.kind === "webhook" && !body.config.signing_secret ? "whsec_3v0mock" : null;
      return HttpResponse.json({ ...channel, signing_secret }, { status: 201 });
    }),
    http.patch(`${V1}/channels/:id`, async ({ params, request }) => {
      const found = find(params.id);
      if (!found) return notFound("Channel");
      Object.assign(found, await json<Partial<ChannelBody>>(request));
      return HttpResponse.json(found);
    }),
    http.delete(`${V1}/channels/:id`, ({ params }) => {
      world.alerting.channels = world.alerting.channels.filter(({ id }) => id !== params.id);
      return gone();
    }),
    http.post(`${V1}/channels/:id/test`, ({ params }) => {
      const found = find(params.id);
      if (!found) return notFound("Channel");
      const ok = found.state !== "broken";
      if (ok) Object.assign(found, { state: "ready", verified_at: ago(0) });
      const target = found.targets[0]?.target ?? found.name;
      const words = ok ? "OK, queued." : "channel_not_found: invite the app to the channel.";
      return HttpResponse.json({
        ok,
        results: [{ target, ok, words, took_ms: 187, status: ok ? 200 : 404, response: null }],
      });
    }),
  ];
}

const deliveryHandlers = (world: World) => [
  http.get(`${V1}/deliveries`, ({ request }) => {
    const [channel, incident, state] = ["channel_id", "incident_id", "state"].map((name) =>
      query(request, name),
    );
    const items = world.alerting.deliveries.filter(
      (each) =>
        (!channel || each.channel_id === channel) &&
        (!incident || each.incident_id === incident) &&
        (!state || each.state === state),
    );
    return HttpResponse.json(page(items, request));
  }),
  http.get(`${V1}/deliveries/:id`, ({ params }) => {
    const found = world.alerting.deliveries.find(({ id }) => id === params.id);
    return found ? HttpResponse.json(found) : notFound("Delivery");
  }),
  http.post(`${V1}/deliveries/:id/resend`, ({ params }) => {
    const found = world.alerting.deliveries.find(({ id }) => id === params.id);
    if (!found) return notFound("Delivery");
    Object.assign(found, { state: "pending", next_at: ago(-2), expires_at: ago(-86_400) });
    return HttpResponse.json(found);
  }),
];

function answer(world: World, body: RouteTestBody): RouteTest | null {
  const [namespace = "", name] = "job" in body ? body.job.split("/") : [body.namespace];
  const job = world.jobs.find((each) => each.namespace === namespace && each.name === name);
  if ("job" in body && !job) return null;
  const labels = job?.labels ?? {};
  const fits = ({ namespaces, matchLabels = {} }: JobMatch) =>
    (!namespaces || namespaces.includes(namespace)) &&
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  const routes = world.alerting.routes.map((route) => {
    const matched = route.enabled && fits(route.spec.match ?? {});
    const why = matched ? "fits" : route.enabled ? "is about other jobs" : "is disabled";
    return { name: route.name, matched, why };
  });
  const taken = routes.find(({ matched }) => matched);
  const [owners] = world.alerting.channels;
  return {
    about: { kind: body.kind ?? "failing", severity: body.severity ?? "error", namespace, labels },
    routes,
    default_route: !taken,
    targets: owners
      ? [
          {
            ...{ channel_id: owners.id, channel: owners.name, kind: owners.kind },
            ...{ target: owners.targets[0]?.target ?? "", route: taken?.name ?? null },
            held_until: taken ? ago(-3600 * 8) : null,
            why: taken ? `quiet hours of route ${taken.name}` : null,
          },
        ]
      : [],
    escalation: taken ? [{ after_seconds: 900, route: taken.name, channels: ["on-call"] }] : [],
    repeat_every_seconds: taken ? 14_400 : null,
  };
}

/** A document of either collection, put, got and deleted at its address. */
function documentHandlers(world: World, collection: "routes" | "maintenance-windows") {
  const isRoute = collection === "routes";
  const folder = isRoute ? "routes" : "windows";
  const path = (name: unknown) => `.crontopus/${folder}/${name}.yaml`;
  const address = `${V1}/${collection}/:name`;
  async function put(name: string, request: StrictRequest<DefaultBodyType>) {
    const yaml = await request.text();
    const { spec } = parse(yaml) as { spec: AlertRoute["spec"] };
    const there = world.alerting.files.get(path(name));
    if (there && request.headers.get("If-None-Match"))
      return problem(409, "already_exists", `There is ${path(name)} already.`);
    if (there && request.headers.get("If-Match") !== `"${there.etag}"`)
      return problem(409, "stale_etag", `${path(name)} was changed since you fetched it.`);
    if (isRoute && !spec.channels?.length) {
      const error = { line: 6, column: 3, path: "spec.channels", code: "too_short", message: "needs one" };
      return problem(422, "invalid_manifest", "The manifest is invalid", { errors: [error] });
    }
    const file = fileOf(isRoute ? "AlertRoute" : "MaintenanceWindow", name, yaml);
    world.alerting.files.set(file.path, file);
    if (isRoute) {
      const route = { name, path: file.path, enabled: spec.enabled !== false, spec, problems: [] };
      world.alerting.routes = [...world.alerting.routes.filter((each) => each.name !== name), route].sort(
        (a, b) => a.name.localeCompare(b.name),
      );
    }
    return HttpResponse.json(file, { status: there ? 200 : 201 });
  }
  return [
    http.get(address, ({ params }) => {
      const found = world.alerting.files.get(path(params.name));
      return found ? HttpResponse.json(found) : notFound("Document");
    }),
    http.put(address, ({ params, request }) => put(String(params.name), request)),
    http.delete(address, ({ params }) => {
      world.alerting.files.delete(path(params.name));
      world.alerting.routes = world.alerting.routes.filter(({ name }) => !isRoute || name !== params.name);
      world.alerting.windows = world.alerting.windows.filter(({ name }) => isRoute || name !== params.name);
      return gone();
    }),
  ];
}

const routeHandlers = (world: World) => [
  http.get(`${V1}/routes`, ({ request }) => HttpResponse.json(page(world.alerting.routes, request))),
  http.post(`${V1}/routes/test`, async ({ request }) => {
    const found = answer(world, await json<RouteTestBody>(request));
    return found ? HttpResponse.json(found) : notFound("Job");
  }),
  http.get(`${V1}/maintenance-windows`, ({ request }) =>
    HttpResponse.json(page(world.alerting.windows, request)),
  ),
  http.post(`${V1}/maintenance-windows`, async ({ request }) => {
    const { match, reason = null, duration_seconds } = await json<NewWindow>(request);
    const end = ago(-duration_seconds);
    const file = fileOf("MaintenanceWindow", `adhoc-${world.alerting.windows.length}`, "spec: {}\n");
    world.alerting.windows.unshift({
      ...{ name: file.name, path: file.path, reason, spec: { match, start: ago(0), end } },
      ...{ active: true, active_until: end, next_start: null },
    });
    return HttpResponse.json(file, { status: 201 });
  }),
  http.post(`${V1}/maintenance-windows/:name/end`, ({ params }) => {
    const found = world.alerting.windows.find(({ name }) => name === params.name);
    if (!found) return notFound("Window");
    Object.assign(found, { active: false, active_until: null, next_start: null });
    return HttpResponse.json(fileOf("MaintenanceWindow", found.name, ""));
  }),
  ...documentHandlers(world, "routes"),
  ...documentHandlers(world, "maintenance-windows"),
];

const isPart = (incident: IncidentDetail, parent: string) => incident.parent_id === parent;

function incidentHandlers(world: World) {
  const act = (verb: string, change: (incident: IncidentDetail, body: Record<string, unknown>) => void) =>
    http.post(`${V1}/incidents/:id/${verb}`, async ({ params, request }) => {
      const found = world.incidents.find(({ id }) => id === params.id);
      if (!found) return notFound("Incident");
      const text = await request.text();
      change(found, text ? (JSON.parse(text) as Record<string, unknown>) : {});
      return HttpResponse.json(found);
    });
  const note = (incident: IncidentDetail, kind: IncidentDetail["events"][number]["kind"], message: string) =>
    incident.events.push({ at: ago(0), kind, message });
  return [
    http.get(`${V1}/incidents`, ({ request }) => {
      const [state, kind, severity, job, endpoint, parent, top] = [
        ...["state", "kind", "severity", "job", "endpoint", "parent", "top"],
      ].map((name) => query(request, name));
      const items = world.incidents.filter(
        (each) =>
          (!state || each.state === state) &&
          (!kind || each.kind === kind) &&
          (!severity || each.severity === severity) &&
          (!job || `${each.job?.namespace}/${each.job?.name}` === job) &&
          (!endpoint || each.endpoint?.id === endpoint) &&
          (!parent || isPart(each, parent)) &&
          (!top || each.parent_id === null),
      );
      return HttpResponse.json(page(items, request));
    }),
    http.get(`${V1}/incidents/:id`, ({ params }) => {
      const incident = world.incidents.find(({ id }) => id === params.id);
      return incident ? HttpResponse.json(incident) : notFound("Incident");
    }),
    act("acknowledge", (incident) => {
      Object.assign(incident, { acknowledged_at: ago(0), acknowledged_by: "acme" });
      note(incident, "acknowledged", "By acme.");
    }),
    act("snooze", (incident, { duration_seconds }) => {
      incident.snoozed_until = ago(-Number(duration_seconds));
      note(incident, "snoozed", "By acme.");
    }),
    act("mute", (incident) => {
      incident.muted = true;
      note(incident, "muted", "By acme.");
    }),
    act("unmute", (incident) => {
      incident.muted = false;
      note(incident, "unmuted", "By acme.");
    }),
    act("resolve", (incident) => {
      Object.assign(incident, { state: "resolved", resolved_at: ago(0) });
      note(incident, "resolved", "By acme, by hand.");
    }),
    act("comment", (incident, { text }) => {
      note(incident, "commented", `acme: ${text}`);
    }),
  ];
}

/** Incidents, and who is told of them. */
export const alertHandlers = (world: World) => [
  ...channelHandlers(world),
  ...deliveryHandlers(world),
  ...routeHandlers(world),
  ...incidentHandlers(world),
];
