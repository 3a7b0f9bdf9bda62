import { isMap, parseDocument } from "yaml";
import type { RouteSpec } from "@/client/types";

export const NEW_ROUTE = `apiVersion: crontopus/v1
kind: AlertRoute
metadata:
  name: new-route
spec:
  channels: [Owners]
`;

type Path = readonly (string | number)[];

const FORMAT = { lineWidth: 100, flowCollectionPadding: false };

/** What the text says, as far as it can be read; null while it is no YAML or no mapping. */
export function readRoute(text: string): { name: string; spec: RouteSpec } | null {
  const document = parseDocument(text, { version: "1.2", uniqueKeys: true });
  if (document.errors.length > 0 || !isMap(document.contents)) return null;
  const value = document.toJS() as { metadata?: { name?: unknown } | null; spec?: unknown };
  const spec = value.spec && typeof value.spec === "object" ? (value.spec as RouteSpec) : { channels: [] };
  const name = value.metadata?.name;
  return { name: typeof name === "string" ? name : "", spec };
}

const empty = (value: unknown) =>
  value === undefined || value === "" || (Array.isArray(value) && value.length === 0);

/** The text with another value there; what is empty is taken out. Comments and all else stay as they are. */
export function withValue(text: string, path: Path, value: unknown): string {
  const document = parseDocument(text, { version: "1.2" });
  if (empty(value)) {
    document.deleteIn(path);
    // `match: {}` with nothing in it says nothing.
    const parent = path.slice(0, -1);
    const left = document.getIn(parent);
    if (parent.length > 1 && isMap(left) && left.items.length === 0) document.deleteIn(parent);
  } else {
    const node = document.createNode(value, { flow: Array.isArray(value) });
    document.setIn(path, node);
  }
  return document.toString(FORMAT);
}

/** In one word or two: when else, besides at once. */
export function timesOf({ repeatEvery, escalate = [], quietHours }: RouteSpec): string[] {
  return [
    ...(repeatEvery ? [`again every ${repeatEvery}`] : []),
    ...escalate.map(({ after, channels }) => `after ${after} also ${channels.join(", ")}`),
    ...(quietHours ? [`quiet hours (${quietHours.timezone ?? "UTC"})`] : []),
  ];
}
