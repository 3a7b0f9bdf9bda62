import type { Step } from "./spec";

const UNITS = [604_800, 86_400, 3600, 60, 1] as const;
const DURATION = /^(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?$/;
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const DAY = 86_400;
export const NEEDED = "This is needed.";

/** The seconds of `1h30m`; null when it is no duration. */
export function seconds(text: string): number | null {
  const found = text === "" ? null : DURATION.exec(text);
  return found && UNITS.reduce((sum, unit, at) => sum + unit * Number(found[at + 1] ?? 0), 0);
}

/** What the API says about it too, before it is asked. */
export function durationProblem(text: string, longestDays: number): string | undefined {
  const length = seconds(text);
  if (length === null) return `“${text}” is not a duration. Write 15m, 4h or 1d12h.`;
  return length < 60 || length > longestDays * DAY ? `From 1m to ${longestDays}d.` : undefined;
}

export function afterProblem(steps: readonly Step[], index: number): string | undefined {
  const text = steps[index]?.after ?? "";
  const problem = text ? durationProblem(text, 7) : NEEDED;
  const before = steps[index - 1];
  if (problem || !before) return problem;
  const late = (seconds(text) ?? 0) > (seconds(before.after) ?? 0);
  return late ? undefined : `Must be later than step ${index}, which is after ${before.after}.`;
}

/** When a further step may come: the first after 15 minutes, each later one after twice as long. */
export function nextAfter(steps: readonly Step[]): string {
  const last = steps.at(-1);
  const twice = last ? 2 * (seconds(last.after) ?? 0) : 0;
  if (twice < 120) return "15m";
  const length = Math.min(twice, 7 * DAY);
  if (length % DAY === 0) return `${length / DAY}d`;
  if (length % 3600 === 0) return `${length / 3600}h`;
  return length % 60 === 0 ? `${length / 60}m` : `${length}s`;
}

export function timeProblem(text: string): string | undefined {
  if (text === "") return NEEDED;
  return TIME.test(text) ? undefined : `“${text}” is not a time of day. Write 07:00.`;
}

/** Those the browser knows. It lists no UTC. */
export const TIME_ZONES: readonly string[] = ["UTC", ...Intl.supportedValuesOf("timeZone")];

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** None is UTC. Names that are listed nowhere, such as older ones, are the API's to judge if the browser has them. */
export function zoneProblem(text: string): string | undefined {
  if (text === "" || TIME_ZONES.includes(text)) return undefined;
  const meant = TIME_ZONES.find((zone) => zone.toLowerCase() === text.toLowerCase());
  if (meant) return `Write ${meant}.`;
  // Browsers take offsets as well, which have no summer.
  return /^[A-Za-z]/.test(text) && isZone(text)
    ? undefined
    : `“${text}” is not a time zone. Write Europe/London or UTC.`;
}
