import {
  BellOff,
  BellRing,
  CircleAlert,
  CircleCheck,
  ClockFading,
  FoldVertical,
  MailCheck,
  MailX,
  MessageSquare,
  Siren,
  UserCheck,
  Waves,
} from "lucide-react";
import type { IncidentEvent } from "@/client/types";
import { Time } from "@/components/ui/time";

type Look = { word: string; icon: typeof CircleAlert; className: string };

const EVENTS: Record<IncidentEvent["kind"], Look> = {
  opened: { word: "Opened", icon: CircleAlert, className: "text-bad" },
  changed: { word: "Changed", icon: CircleAlert, className: "text-warn" },
  notified: { word: "Notified", icon: MailCheck, className: "text-muted" },
  notify_failed: { word: "Could not notify", icon: MailX, className: "text-warn" },
  acknowledged: { word: "Acknowledged", icon: UserCheck, className: "text-accent-text" },
  snoozed: { word: "Snoozed", icon: BellOff, className: "text-muted" },
  resolved: { word: "Resolved", icon: CircleCheck, className: "text-ok" },
  commented: { word: "Comment", icon: MessageSquare, className: "text-accent-text" },
  muted: { word: "Muted", icon: BellOff, className: "text-muted" },
  unmuted: { word: "Unmuted", icon: BellRing, className: "text-muted" },
  folded: { word: "Part of another", icon: FoldVertical, className: "text-muted" },
  flapping: { word: "Flapping", icon: Waves, className: "text-warn" },
  held: { word: "Not told", icon: ClockFading, className: "text-muted" },
  reminded: { word: "Reminded", icon: BellRing, className: "text-muted" },
  escalated: { word: "Escalated", icon: Siren, className: "text-bad" },
};

export function Timeline({ events }: { events: IncidentEvent[] }) {
  return (
    <ol className="flex flex-col">
      {events.map((event) => {
        const { word, icon: Icon, className } = EVENTS[event.kind] ?? EVENTS.changed;
        return (
          <li
            key={`${event.at} ${event.kind} ${event.message}`}
            className="group relative flex gap-3 pb-5 last:pb-0"
          >
            <span aria-hidden className="absolute top-7 bottom-0 left-3 w-px bg-line group-last:hidden" />
            <span className="grid size-6 shrink-0 place-items-center rounded-full border border-line bg-surface">
              <Icon aria-hidden className={`size-3.5 ${className}`} />
            </span>
            <div className="min-w-0 pt-0.5 text-sm">
              <p className="flex flex-wrap items-baseline gap-x-2">
                <span className="font-medium">{word}</span>
                <Time at={event.at} className="text-subtle text-xs" />
              </p>
              <p className="whitespace-pre-wrap break-words text-muted">{event.message}</p>
            </div>
          </li>
        );
      })}
    </ol>
  );
}
