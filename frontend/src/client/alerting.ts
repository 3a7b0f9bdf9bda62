import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { Paging, Signal } from "./api";
import { guarded } from "./edits";
import { request } from "./http";
import { paged } from "./queries";
import type {
  AlertRoute,
  Channel,
  ChannelBody,
  ChannelMade,
  ChannelTest,
  Delivery,
  DeliveryDetail,
  DeliveryState,
  MaintenanceWindow,
  NewWindow,
  Page,
  Plan,
  RepositoryDocument,
  RouteTest,
  RouteTestBody,
} from "./types";

const seg = encodeURIComponent;
const channel = (id: string) => `/channels/${seg(id)}`;
const delivery = (id: string) => `/deliveries/${seg(id)}`;

export type DeliveryFilter = {
  channel_id?: string | undefined;
  incident_id?: string | undefined;
  state?: DeliveryState | undefined;
};

/** Who is told: of the pages about it only, so that the first download has none of this. */
export const alerting = {
  channels: (paging: Paging, signal?: Signal) =>
    request<Page<Channel>>("/channels", { query: paging, signal }),
  channel: (id: string, signal?: Signal) => request<Channel>(channel(id), { signal }),
  makeChannel: (json: ChannelBody) => request<ChannelMade>("/channels", { method: "POST", json }),
  changeChannel: (id: string, json: Partial<ChannelBody>) =>
    request<Channel>(channel(id), { method: "PATCH", json }),
  deleteChannel: (id: string) => request<void>(channel(id), { method: "DELETE" }),
  testChannel: (id: string) => request<ChannelTest>(`${channel(id)}/test`, { method: "POST" }),

  deliveries: (filter: DeliveryFilter, paging: Paging, signal?: Signal) =>
    request<Page<Delivery>>("/deliveries", { query: { ...filter, ...paging }, signal }),
  delivery: (id: string, signal?: Signal) => request<DeliveryDetail>(delivery(id), { signal }),
  resend: (id: string) => request<Delivery>(`${delivery(id)}/resend`, { method: "POST" }),

  routes: (cursor: string | undefined, signal?: Signal) =>
    request<Page<AlertRoute>>("/routes", { query: { cursor }, signal }),
  testRoutes: (json: RouteTestBody) => request<RouteTest>("/routes/test", { method: "POST", json }),
  windows: (cursor: string | undefined, signal?: Signal) =>
    request<Page<MaintenanceWindow>>("/maintenance-windows", { query: { cursor }, signal }),
  startWindow: (json: NewWindow) =>
    request<RepositoryDocument>("/maintenance-windows", { method: "POST", json }),
  endWindow: (name: string) =>
    request<RepositoryDocument>(`/maintenance-windows/${seg(name)}/end`, { method: "POST", json: {} }),
};

/** What lives in `.crontopus/` and has an address of its own. */
export type Collection = "routes" | "maintenance-windows";
export type DocumentSave = {
  collection: Collection;
  name: string;
  yaml: string;
  message?: string | undefined;
  /** Of the version it began with; without one it must be new. */
  etag?: string | undefined;
};

const put = <T>({ collection, name, yaml, message, etag }: DocumentSave, dry: boolean) =>
  request<T>(`/${collection}/${seg(name)}`, {
    method: "PUT",
    query: { message, dry_run: dry ? "true" : undefined },
    text: { body: yaml, type: "application/yaml" },
    headers: etag ? guarded(etag) : { "If-None-Match": "*" },
  });

export const documents = {
  get: (collection: Collection, name: string, signal?: Signal) =>
    request<RepositoryDocument>(`/${collection}/${seg(name)}`, { signal }),
  save: (save: DocumentSave) => put<RepositoryDocument>(save, false),
  plan: (save: DocumentSave) => put<Plan>(save, true),
  delete: (collection: Collection, name: string) =>
    request<void>(`/${collection}/${seg(name)}`, { method: "DELETE" }),
};

// Keys begin with the topic that moves them: deliveries and breakers follow incidents, documents follow commits.

export const channelsQuery = infiniteQueryOptions({
  ...paged,
  queryKey: ["incidents", "channels", "list"],
  queryFn: ({ pageParam, signal }) => alerting.channels({ limit: 100, cursor: pageParam }, signal),
});

export const channelQuery = (id: string) =>
  queryOptions({
    queryKey: ["incidents", "channels", "one", id],
    queryFn: ({ signal }) => alerting.channel(id, signal),
  });

export const deliveriesQuery = (filter: DeliveryFilter) =>
  infiniteQueryOptions({
    ...paged,
    queryKey: ["incidents", "deliveries", filter],
    queryFn: ({ pageParam, signal }) => alerting.deliveries(filter, { limit: 50, cursor: pageParam }, signal),
  });

/** The newest of all channels together: one request, whatever the number of channels. */
export const newestDeliveriesQuery = queryOptions({
  queryKey: ["incidents", "deliveries", "newest"],
  queryFn: ({ signal }) => alerting.deliveries({}, { limit: 200 }, signal),
  select: ({ items }) => {
    const last = new Map<string, Delivery>();
    for (const each of items)
      if (each.channel_id && !last.has(each.channel_id)) last.set(each.channel_id, each);
    return last;
  },
});

export const deliveryQuery = (id: string) =>
  queryOptions({
    queryKey: ["incidents", "deliveries", "one", id],
    queryFn: ({ signal }) => alerting.delivery(id, signal),
  });

export const routesQuery = infiniteQueryOptions({
  ...paged,
  queryKey: ["jobs", "routes"],
  queryFn: ({ pageParam, signal }) => alerting.routes(pageParam, signal),
});

export const windowsQuery = infiniteQueryOptions({
  ...paged,
  queryKey: ["jobs", "windows"],
  queryFn: ({ pageParam, signal }) => alerting.windows(pageParam, signal),
});

/** What an editor starts from: never swapped under somebody's cursor, dropped when the editor closes. */
export const editDocumentQuery = (collection: Collection, name: string) =>
  queryOptions({
    queryKey: ["edit-document", collection, name],
    queryFn: ({ signal }) => documents.get(collection, name, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
