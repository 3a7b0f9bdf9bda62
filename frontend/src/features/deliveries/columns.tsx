import { Link } from "@tanstack/react-router";
import type { Delivery } from "@/client/types";
import { DeliveryBadge, NEWS } from "@/components/domain/delivery-badge";
import { type Column, rowLinkClass } from "@/components/ui/data-list";
import { Time } from "@/components/ui/time";
import { plural } from "@/lib/format";
import { Resend } from "./resend";

/** Why it is where it is. */
function Fate({ delivery }: { delivery: Delivery }) {
  const { state, last_error, next_at, attempts, held } = delivery;
  if (held && state === "pending") {
    return (
      <p className="text-subtle">
        held until <Time at={next_at} />: {held}
      </p>
    );
  }
  if (state === "sent") return <span className="text-subtle">{plural(attempts, "try", "tries")}</span>;
  return (
    <>
      {last_error && <p className="break-words text-muted md:truncate">{last_error}</p>}
      <p className="text-subtle">
        {plural(attempts, "try", "tries")}
        {state === "pending" && next_at && (
          <>
            , next <Time at={next_at} />
          </>
        )}
      </p>
    </>
  );
}

export const deliveryColumns = (names: ReadonlyMap<string, string>): Column<Delivery>[] => [
  {
    id: "state",
    header: "Status",
    className: "max-md:order-1",
    cell: ({ state }) => <DeliveryBadge state={state} />,
  },
  {
    id: "target",
    header: "To",
    className: "max-md:order-3 max-md:basis-full",
    cell: (delivery) => (
      <>
        <Link
          to="/deliveries/$id"
          params={{ id: delivery.id }}
          className={`${rowLinkClass} block break-words md:truncate`}
        >
          {delivery.target}
        </Link>
        <p className="truncate text-subtle text-xs">
          {(delivery.channel_id && names.get(delivery.channel_id)) ?? "Channel deleted"}
        </p>
      </>
    ),
  },
  {
    id: "event",
    header: "News",
    className: "text-muted max-md:order-2",
    cell: ({ event }) => NEWS[event],
  },
  {
    id: "fate",
    header: "What happened",
    className: "max-md:order-4 max-md:basis-full text-xs",
    cell: (delivery) => <Fate delivery={delivery} />,
  },
  {
    id: "at",
    header: "Made",
    className: "tabular text-muted max-md:order-5 max-md:text-xs",
    cell: ({ created_at }) => <Time at={created_at} />,
  },
  {
    id: "acts",
    header: "Actions",
    className: "z-10 text-right max-md:order-6 max-md:ml-auto empty:hidden md:empty:block",
    cell: (delivery) => <Resend delivery={delivery} small />,
  },
];
