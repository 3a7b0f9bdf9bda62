import { type Raw, text } from "@/lib/search";

export type EndpointsSearch = {
  /** Opens "add an endpoint"; `labels` fills its labels in, as `key=value,key=value`. */
  add?: true | undefined;
  labels?: string | undefined;
};

export const endpointsSearch = (raw: Raw): EndpointsSearch => ({
  add: raw.add === true || undefined,
  labels: text(raw.labels),
});
