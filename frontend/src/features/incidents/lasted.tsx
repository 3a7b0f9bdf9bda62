import type { Incident } from "@/client/types";
import { Duration } from "@/components/ui/time";

/** How long it lasted, or has been lasting so far. */
export function Lasted({ incident }: { incident: Incident }) {
  const { opened_at, resolved_at } = incident;
  const seconds = resolved_at ? (Date.parse(resolved_at) - Date.parse(opened_at)) / 1000 : null;
  return <Duration seconds={seconds} since={opened_at} />;
}
