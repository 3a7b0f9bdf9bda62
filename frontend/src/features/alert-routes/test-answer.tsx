import { BellOff, BellRing, Check, Clock, X } from "lucide-react";
import type { RouteTest, RouteTestTarget } from "@/client/types";
import { Message } from "@/components/ui/message";
import { Time } from "@/components/ui/time";
import { formatDuration, sentence } from "@/lib/format";

const headingClass = "mb-1.5 font-medium text-sm";

function Target({ target: { channel, target, route, held_until, why } }: { target: RouteTestTarget }) {
  const Icon = held_until ? BellOff : BellRing;
  return (
    <li className="flex gap-2.5">
      <Icon
        aria-hidden
        className={`mt-0.5 size-4 shrink-0 ${held_until ? "text-warn" : "text-accent-text"}`}
      />
      <div className="min-w-0 break-words">
        <span className="font-medium">{channel}</span> <span className="text-muted">{target}</span>
        <p className="text-subtle text-xs">
          {route ? `by the route ${route}` : "as a default channel"}
          {held_until && (
            <>
              , held: told <Time at={held_until} />
            </>
          )}
          {why && `. ${sentence(why)}`}
        </p>
      </div>
    </li>
  );
}

function Tried({ routes }: { routes: RouteTest["routes"] }) {
  return (
    <div>
      <h3 className={headingClass}>Routes tried</h3>
      <ul className="flex flex-col gap-1.5">
        {routes.map(({ name, matched, why }) => (
          <li key={name} className="flex gap-2.5">
            {matched ? (
              <Check role="img" aria-label="Matched" className="mt-0.5 size-4 shrink-0 text-ok" />
            ) : (
              <X role="img" aria-label="Did not match" className="mt-0.5 size-4 shrink-0 text-subtle" />
            )}
            <span className="min-w-0 break-words">
              <span className="font-medium">{name}</span> <span className="text-muted">{why}</span>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Later({ answer }: { answer: RouteTest }) {
  const { escalation, repeat_every_seconds } = answer;
  if (escalation.length === 0 && !repeat_every_seconds) return null;
  return (
    <div>
      <h3 className={headingClass}>Later</h3>
      <ul className="flex flex-col gap-1.5">
        {escalation.map(({ after_seconds, route, channels }) => (
          <li key={`${route} ${after_seconds}`} className="flex gap-2.5">
            <Clock aria-hidden className="mt-0.5 size-4 shrink-0 text-subtle" />
            <span className="min-w-0">
              After {formatDuration(after_seconds)} without an acknowledgement also{" "}
              <span className="font-medium">{channels.join(", ")}</span>.
            </span>
          </li>
        ))}
        {repeat_every_seconds !== null && (
          <li className="flex gap-2.5">
            <Clock aria-hidden className="mt-0.5 size-4 shrink-0 text-subtle" />
            Again every {formatDuration(repeat_every_seconds)}.
          </li>
        )}
      </ul>
    </div>
  );
}

/** Who, by which route, and when. */
export function TestAnswer({ answer }: { answer: RouteTest }) {
  const { targets, routes, default_route } = answer;
  return (
    <div role="status" className="flex flex-col gap-4 border-line border-t pt-4 text-sm">
      {targets.length === 0 ? (
        <Message tone="warn" title="Nobody would be told">
          No route takes it, and no default channel is ready.
        </Message>
      ) : (
        <div>
          <h3 className={headingClass}>Told{default_route && ", by default"}</h3>
          <ul className="flex flex-col gap-2">
            {targets.map((target) => (
              <Target key={`${target.channel_id} ${target.target}`} target={target} />
            ))}
          </ul>
        </div>
      )}
      {routes.length > 0 && <Tried routes={routes} />}
      <Later answer={answer} />
    </div>
  );
}
