import type { MaintenanceWindow } from "@/client/types";

/** On the reader's clock, as the times beside it. */
const moment = (at: string) =>
  new Date(at).toLocaleString("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });

/** When it is, as its file says. */
export function whenOf({ spec }: MaintenanceWindow): string {
  if (spec.schedule) return `${spec.schedule} (${spec.timezone ?? "UTC"}), ${spec.duration ?? ""} each time`;
  if (spec.start && spec.end) return `${moment(spec.start)} – ${moment(spec.end)}`;
  return "";
}

export type WindowState = "active" | "planned" | "over";

export const stateOf = ({ active, next_start }: MaintenanceWindow): WindowState =>
  active ? "active" : next_start ? "planned" : "over";
