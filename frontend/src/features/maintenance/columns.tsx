import { Link } from "@tanstack/react-router";
import { CalendarClock, CircleSlash, Wrench } from "lucide-react";
import type { MaintenanceWindow } from "@/client/types";
import { MatchWords } from "@/components/domain/match-words";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import type { Column } from "@/components/ui/data-list";
import { Time } from "@/components/ui/time";
import { stateOf, whenOf } from "./window-words";

function State({ window }: { window: MaintenanceWindow }) {
  const state = stateOf(window);
  if (state === "active")
    return (
      <Badge tone="info" icon={<Wrench aria-hidden />}>
        Active
      </Badge>
    );
  if (state === "planned") return <Badge icon={<CalendarClock aria-hidden />}>Planned</Badge>;
  return (
    <Badge tone="ghost" icon={<CircleSlash aria-hidden />}>
      Over
    </Badge>
  );
}

/** The next thing that happens to it. */
function Next({ window: { active_until, next_start, active } }: { window: MaintenanceWindow }) {
  if (active)
    return (
      <>
        ends <Time at={active_until} />
      </>
    );
  if (!next_start) return <span className="text-subtle">–</span>;
  return (
    <>
      begins <Time at={next_start} />
    </>
  );
}

/** One that comes again has no end to bring forward. */
const canEnd = (window: MaintenanceWindow) => !window.spec.schedule && stateOf(window) !== "over";

type Props = { edit: boolean; end: (window: MaintenanceWindow) => void };

export const windowColumns = ({ edit, end }: Props): Column<MaintenanceWindow>[] => [
  {
    id: "state",
    header: "Status",
    className: "max-md:order-2 max-md:ml-auto",
    cell: (window) => <State window={window} />,
  },
  {
    id: "name",
    header: "Window",
    className: "max-md:order-1 max-md:flex-1 max-md:basis-1/2",
    cell: ({ name, reason }) => (
      <>
        {edit ? (
          <Link
            to="/maintenance/edit/$name"
            params={{ name }}
            className="block truncate rounded-sm font-medium underline-offset-2 hover:text-accent-text hover:underline"
          >
            {reason || name}
          </Link>
        ) : (
          <p className="truncate font-medium">{reason || name}</p>
        )}
        {reason && <code className="block truncate font-mono text-subtle text-xs">{name}</code>}
      </>
    ),
  },
  {
    id: "match",
    header: "Jobs",
    className: "max-md:order-4 text-xs",
    cell: ({ spec }) => <MatchWords match={spec.match} />,
  },
  {
    id: "when",
    header: "When",
    className: "max-md:order-5 max-md:basis-full text-muted text-xs",
    cell: (window) => <span className="break-words">{whenOf(window)}</span>,
  },
  {
    id: "next",
    header: "Next",
    className: "tabular max-md:order-6 text-muted max-md:text-xs",
    cell: (window) => <Next window={window} />,
  },
  {
    id: "acts",
    header: "Actions",
    className: "text-right max-md:order-7 max-md:ml-auto",
    cell: (window) =>
      edit &&
      canEnd(window) && (
        <Button
          size="sm"
          aria-label={`${window.active ? "End now" : "Cancel"}: ${window.name}`}
          onClick={() => end(window)}
        >
          {window.active ? "End now" : "Cancel"}
        </Button>
      ),
  },
];
