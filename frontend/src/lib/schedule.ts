import cronstrue from "cronstrue";

/** A plain reading of one schedule entry, or null when there is none worth showing. */
export function describeSchedule(entry: string): string | null {
  const every = /^every\s+(\S+)$/.exec(entry.trim());
  if (every) return `Every ${every[1]}`;
  try {
    return cronstrue.toString(entry, { use24HourTimeFormat: true, verbose: false });
  } catch {
    return null; // the expression itself is shown; the server is the one that judges it
  }
}
