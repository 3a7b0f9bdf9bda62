import { type Document, isCollection, isMap, isScalar, isSeq, parseDocument } from "yaml";
import type { RouteSpec } from "@/client/types";

export const NEW_ROUTE = `apiVersion: crontopus/v1
kind: AlertRoute
metadata:
  name: new-route
spec:
  channels: [Owners]
`;

type Path = readonly (string | number)[];

export type Step = { after: string; channels: string[] };
export type Stretch = { days: string[]; from: string; to: string };
export type Quiet = { timezone: string; windows: Stretch[]; below: string };

/** What the fields show. A text that is half written has anything anywhere, so nothing here is as it came. */
export type RouteFields = {
  name: string;
  channels: string[];
  namespaces: string[];
  labels: Record<string, string>;
  severities: string[];
  incidents: string[];
  repeatEvery: string;
  goesOn: boolean;
  enabled: boolean;
  /** Null: the text has something there that fields cannot show, and must not write over. */
  escalate: Step[] | null;
  quiet: Quiet | null;
};

const FORMAT = { lineWidth: 100, flowCollectionPadding: false };

type Mapping = Record<string, unknown>;
const isMapping = (value: unknown): value is Mapping =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const mapping = (value: unknown): Mapping => (isMapping(value) ? value : {});
const word = (value: unknown) =>
  ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
const words = (value: unknown) => (Array.isArray(value) ? value : [value]).map(word).filter(Boolean);

/** The mappings listed there; none when there is nothing, null when there is something else. */
function listed(document: Document, path: Path, all: unknown): Mapping[] | null {
  const node = document.getIn(path, true);
  if (node === undefined || node === null || (isScalar(node) && node.value === null)) return [];
  return isSeq(node) && node.items.every(isMap) && Array.isArray(all) ? all.map(mapping) : null;
}

function readEscalate(document: Document, spec: Mapping): Step[] | null {
  const steps = listed(document, ["spec", "escalate"], spec.escalate);
  return steps?.map(({ after, channels }) => ({ after: word(after), channels: words(channels) })) ?? null;
}

function readQuiet(document: Document, spec: Mapping): Quiet | null {
  const { quietHours = null } = spec;
  if (quietHours !== null && !isMap(document.getIn(["spec", "quietHours"]))) return null;
  const { timezone, windows, below } = mapping(quietHours);
  const stretches = listed(document, ["spec", "quietHours", "windows"], windows);
  return (
    stretches && {
      timezone: word(timezone),
      windows: stretches.map(({ days, from, to }) => ({ days: words(days), from: word(from), to: word(to) })),
      below: word(below) || "critical",
    }
  );
}

/** What the text says, as far as it can be read; null while it is no YAML or no mapping. */
export function readRoute(text: string): RouteFields | null {
  const document = parseDocument(text, { version: "1.2", uniqueKeys: true });
  if (document.errors.length > 0 || !isMap(document.contents)) return null;
  const value = document.toJS() as Mapping;
  if (!isMapping(value.spec ?? {}) || !isMapping(value.metadata ?? {})) return null;
  const spec = mapping(value.spec);
  const match = mapping(spec.match);
  const labels = Object.entries(mapping(match.matchLabels)).map(([key, label]) => [key, word(label)]);
  return {
    name: word(mapping(value.metadata).name),
    channels: words(spec.channels),
    namespaces: words(match.namespaces),
    labels: Object.fromEntries(labels),
    severities: words(spec.severities),
    incidents: words(spec.incidents),
    repeatEvery: word(spec.repeatEvery),
    goesOn: spec.continue !== false,
    enabled: spec.enabled !== false,
    escalate: readEscalate(document, spec),
    quiet: readQuiet(document, spec),
  };
}

const empty = (value: unknown) =>
  value === undefined || value === "" || (Array.isArray(value) && value.length === 0);

/** `match:` with nothing after it is a value too, and none that something can be put into. */
function makeWay(document: Document, path: Path): void {
  for (let length = 1; length < path.length; length += 1) {
    const above = path.slice(0, length);
    if (document.hasIn(above) && !isCollection(document.getIn(above))) document.deleteIn(above);
  }
}

function setIn(document: Document, path: Path, value: unknown): void {
  makeWay(document, path);
  const there = document.getIn(path, true);
  if (Array.isArray(value) && isSeq(there)) {
    // What stays is the same node: with its comment, and in the style the list was written in.
    const known = new Map(there.items.map((item) => [word(isScalar(item) ? item.value : item), item]));
    there.items = value.map((each) => known.get(each) ?? document.createNode(each));
    return;
  }
  if (typeof value !== "string") {
    document.setIn(path, document.createNode(value, { flow: Array.isArray(value) }));
    return;
  }
  // Into the node that is there, which has the comment.
  document.setIn(path, isScalar(there) ? value : document.createNode(value));
  const written = document.getIn(path, true);
  // Older readers take 22:00 for a number. What needs no quotes has none, although it may have on the way: "4", 4h.
  if (isScalar(written)) written.type = value.includes(":") ? "QUOTE_DOUBLE" : "PLAIN";
}

function removeIn(document: Document, path: Path): void {
  if (!document.hasIn(path)) return;
  document.deleteIn(path);
  // `match: {}` with nothing in it says nothing.
  const parent = path.slice(0, -1);
  const left = document.getIn(parent);
  if (parent.at(-1) === "match" && isMap(left) && left.items.length === 0) document.deleteIn(parent);
}

function changed(text: string, change: (document: Document) => void): string {
  const document = parseDocument(text, { version: "1.2" });
  change(document);
  return document.toString(FORMAT);
}

/** The text with another value there; what is empty is taken out. Comments and all else stay as they are. */
export const withValue = (text: string, path: Path, value: unknown): string =>
  changed(text, (document) => (empty(value) ? removeIn(document, path) : setIn(document, path, value)));

/** The same for what a step or window cannot be without: it keeps its place when it is empty. */
export const withPart = (text: string, path: Path, value: unknown): string =>
  changed(text, (document) => setIn(document, path, value));

/** The text with one more at the end of that list, written as YAML. */
function withItem(text: string, path: Path, item: string): string {
  return changed(text, (document) => {
    makeWay(document, [...path, 0]);
    const node = parseDocument(item, { version: "1.2" }).contents;
    if (document.hasIn(path)) document.addIn(path, node);
    else document.setIn(path, document.createNode([node]));
  });
}

/** The text without one of that list; with the last goes what stands at `whole`. */
function withoutItem(text: string, path: Path, index: number, whole: Path): string {
  return changed(text, (document) => {
    document.deleteIn([...path, index]);
    const left = document.getIn(path);
    if (isSeq(left) && left.items.length === 0) document.deleteIn(whole);
  });
}

export const STEPS = ["spec", "escalate"] as const;
export const QUIET = ["spec", "quietHours"] as const;
const WINDOWS = [...QUIET, "windows"];

export const withStep = (text: string, after: string): string =>
  withItem(text, STEPS, `{after: ${after}, channels: []}`);

export const withoutStep = (text: string, index: number): string => withoutItem(text, STEPS, index, STEPS);

/** One more window; the first brings the time zone of whoever adds it, whose clock they have in mind. */
export function withWindow(text: string, timezone: string): string {
  const first = !readRoute(text)?.quiet?.windows.length;
  const placed = first && !isMap(parseDocument(text).getIn(QUIET));
  const zoned = placed ? withValue(text, [...QUIET, "timezone"], timezone) : text;
  return withItem(zoned, WINDOWS, '{from: "22:00", to: "07:00"}');
}

export const withoutWindow = (text: string, index: number): string =>
  withoutItem(text, WINDOWS, index, QUIET);

/** In one word or two: when else, besides at once. */
export function timesOf({ repeatEvery, escalate = [], quietHours }: RouteSpec): string[] {
  return [
    ...(repeatEvery ? [`again every ${repeatEvery}`] : []),
    ...escalate.map(({ after, channels }) => `after ${after} also ${channels.join(", ")}`),
    ...(quietHours ? [`quiet hours (${quietHours.timezone ?? "UTC"})`] : []),
  ];
}
