const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/** "840 ms", "4.2 s", "3 min 20 s", "2 h 5 min", "3 d 4 h": two units at most. */
export function formatDuration(seconds: number): string {
  if (seconds < 0) return "0 s";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${trimZero(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return two(Math.floor(whole / MINUTE), "min", whole % MINUTE, "s");
  if (whole < DAY) return two(Math.floor(whole / HOUR), "h", Math.floor((whole % HOUR) / MINUTE), "min");
  return two(Math.floor(whole / DAY), "d", Math.floor((whole % DAY) / HOUR), "h");
}

const trimZero = (text: string) => text.replace(/\.0$/, "");
const two = (a: number, unitA: string, b: number, unitB: string) =>
  b > 0 ? `${a} ${unitA} ${b} ${unitB}` : `${a} ${unitA}`;

/** "just now", "5 s ago", "in 3 min", "in 2 h", "4 d ago", then the date. One unit: a list is scanned, not read. */
export function formatRelative(at: string | number, nowMs: number): string {
  const ms = typeof at === "number" ? at : Date.parse(at);
  const seconds = Math.round((ms - nowMs) / 1000);
  const distance = Math.abs(seconds);
  if (distance < 2) return "just now";
  if (distance >= 30 * DAY) return formatDate(ms, nowMs);
  const amount = coarse(distance);
  return seconds > 0 ? `in ${amount}` : `${amount} ago`;
}

function coarse(seconds: number): string {
  if (seconds < MINUTE) return `${seconds} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

function formatDate(ms: number, nowMs: number): string {
  const date = new Date(ms);
  const sameYear = date.getFullYear() === new Date(nowMs).getFullYear();
  return date.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  });
}

/** The exact time in the reader's zone and in UTC: what logs on either side say. */
export function formatExact(at: string | number): string {
  const date = new Date(at);
  const local = date.toLocaleString("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  });
  return `${local} (${date.toISOString().replace(/\.\d+Z$/, "Z")})`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 ? trimZero(value.toFixed(1)) : Math.round(value)} ${units[unit]}`;
}

/** "99.95 %" of 0–1. Cut and not rounded: it says 100 % only when nothing was wrong. */
export function formatShare(share: number): string {
  // What a binary fraction lacks of its decimal digits must not cost a hundredth.
  const hundredths = Math.floor(share * 10_000 + 1e-6);
  return `${hundredths / 100} %`;
}

export const shortCommit = (commit: string): string => commit.slice(0, 7);

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en-GB")} ${count === 1 ? one : many}`;

/**
 * The wall clock of a time written with its own offset ("2026-11-23T02:00:00+00:00" → "Mon 23 Nov, 02:00"):
 * what the job's zone says, whatever the reader's zone is.
 */
export function formatLocal(iso: string): string {
  const wall = new Date(`${iso.slice(0, 19)}Z`);
  return wall.toLocaleString("en-GB", {
    timeZone: "UTC",
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });
}

/** The server's reasons and hints are parts of a line, as compilers write them; on a page they are sentences. */
export function sentence(text: string): string {
  const begun = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
