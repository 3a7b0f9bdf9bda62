import type { Channel, ChannelKind } from "@/client/types";
import { KINDS, type KindField } from "./kinds";

/** What the form holds: text by field name. */
export type Values = Record<string, string>;

const lines = (text: string) =>
  text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter(Boolean);

function shown({ name, type, fallback = "" }: KindField, config: Channel["config"]): string {
  const value = config[name];
  if (type === "addresses") return Array.isArray(value) ? value.join("\n") : "";
  if (type === "owners") return value === true ? "yes" : "";
  return typeof value === "string" ? value : fallback;
}

/** What the form starts with. Secrets never come back, so their fields start empty. */
export const valuesOf = (kind: ChannelKind, config: Channel["config"] = {}): Values =>
  Object.fromEntries(
    KINDS[kind].fields.map((field) => [field.name, field.secret ? "" : shown(field, config)]),
  );

function headersIn(text: string): Record<string, string> | null {
  const pairs = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line) => /^([^:\s]+):\s*(.+)$/.exec(line));
  if (pairs.some((pair) => pair === null)) return null;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? "", pair?.[2] ?? ""]));
}

function written({ type }: KindField, text: string): unknown {
  if (type === "addresses") return lines(text);
  if (type === "owners") return text === "yes";
  if (type === "headers") return headersIn(text);
  return type === "template" ? text : text.trim();
}

/** The configuration to send. A secret that is left out stays as it is. */
export function configOf(kind: ChannelKind, values: Values): { kind: ChannelKind } & Record<string, unknown> {
  const config: { kind: ChannelKind } & Record<string, unknown> = { kind };
  for (const field of KINDS[kind].fields) {
    const text = values[field.name] ?? "";
    if (text.trim() === "" && field.type !== "addresses" && field.type !== "owners") continue;
    config[field.name] = written(field, text);
  }
  return config;
}

function missing(field: KindField, values: Values, known: readonly string[]): string | undefined {
  const text = (values[field.name] ?? "").trim();
  if (field.type === "addresses") {
    if (!text && !values.owners) return "Give one address at least, or choose the owners.";
    const wrong = lines(text).find((line) => !/^\S+@\S+$/.test(line));
    return wrong && `“${wrong}” is not an address.`;
  }
  if (field.type === "headers" && text && !headersIn(text)) return "Write each as Name: value.";
  const may = field.optional || field.fallback !== undefined || field.type === "owners";
  if (!text && !may && !(field.secret && known.includes(field.name))) return "This is needed.";
  return undefined;
}

/** What is still wrong, by field. `known`: secrets that are set. */
export function problemsOf(kind: ChannelKind, values: Values, known: readonly string[]): Values {
  const found: Values = {};
  for (const field of KINDS[kind].fields) {
    const problem = missing(field, values, known);
    if (problem) found[field.name] = problem;
  }
  return found;
}
