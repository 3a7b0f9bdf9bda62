const two = (value: string) => value.padStart(2, "0");
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

function one(entry: string): string {
  if (entry === "@hourly") return "every hour";
  const every = /^every (\d+)(m|h)$/.exec(entry);
  if (every) return `every ${every[1]} ${every[2] === "m" ? "minutes" : "hours"}`;
  const [minute = "", hour = "", day, , weekday = ""] = entry.split(" ");
  if (minute.startsWith("*/")) return `every ${minute.slice(2)} minutes`;
  if (hour.startsWith("*/")) return `every ${hour.slice(2)} hours, at minute ${minute}`;
  const at = `at ${two(hour)}:${two(minute)}`;
  if (weekday === "1-5") return `on Monday to Friday ${at}`;
  if (weekday !== "*") return `on ${DAYS[Number(weekday)] ?? weekday} ${at}`;
  return day === "*" ? `every day ${at}` : `on day ${day} of the month ${at}`;
}

/** Enough English for the schedules of the mock worlds. */
export function english(schedule: string[], timezone: string): string {
  const text = `${schedule.map(one).join(", and ")} (${timezone})`;
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The wall clock of a zone with its offset, as the server writes it. */
export function localIn(at: Date, timezone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: timezone, timeZoneName: "longOffset" });
  const name = parts.formatToParts(at).find(({ type }) => type === "timeZoneName")?.value ?? "GMT";
  const [, sign = "+", hours = "00", minutes = "00"] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? [];
  const offset = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
  return `${new Date(at.getTime() + offset).toISOString().slice(0, 19)}${sign}${hours}:${minutes}`;
}

/** So many runs, a day apart. */
export function daily(first: Date, timezone: string, count: number) {
  return Array.from({ length: count }, (_, day) => {
    const at = new Date(first.getTime() + day * 86_400_000);
    return { at: at.toISOString(), local: localIn(at, timezone) };
  });
}
