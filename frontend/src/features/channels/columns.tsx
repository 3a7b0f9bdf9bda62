import { Link } from "@tanstack/react-router";
import type { Channel, Delivery } from "@/client/types";
import { Tag } from "@/components/ui/badge";
import { type Column, rowLinkClass } from "@/components/ui/data-list";
import { plural } from "@/lib/format";
import { KINDS } from "./kinds";
import { ChannelBadge, LastDelivery } from "./looks";
import { SendTest, type useSendTest } from "./send-test";

type Props = {
  /** By channel. */
  last: Map<string, Delivery> | undefined;
  /** Absent for those who may not. */
  sending: ReturnType<typeof useSendTest> | undefined;
};

function Targets({ channel }: { channel: Channel }) {
  const [first] = channel.targets;
  if (!first) return <span className="text-subtle">nowhere yet</span>;
  const more = channel.targets.length - 1;
  return (
    <span
      className="block truncate text-muted"
      title={channel.targets.map(({ target }) => target).join(", ")}
    >
      {first.target}
      {more > 0 && <span className="text-subtle"> and {plural(more, "other")}</span>}
    </span>
  );
}

export const channelColumns = ({ last, sending }: Props): Column<Channel>[] => [
  {
    id: "state",
    header: "Status",
    className: "max-md:order-2 max-md:ml-auto",
    cell: (channel) => <ChannelBadge channel={channel} />,
  },
  {
    id: "name",
    header: "Channel",
    className: "max-md:order-1 max-md:flex-1 max-md:basis-1/2",
    cell: (channel) => (
      <>
        <p className="flex min-w-0 items-center gap-2">
          <Link to="/channels/$id" params={{ id: channel.id }} className={`${rowLinkClass} min-w-0 truncate`}>
            {channel.name}
          </Link>
          {channel.default && <Tag title="Told of every incident that no route takes.">default</Tag>}
        </p>
        <p className="truncate text-subtle text-xs">{KINDS[channel.kind].word}</p>
      </>
    ),
  },
  {
    id: "targets",
    header: "Leads to",
    className: "max-md:order-4 max-md:basis-full max-md:text-xs",
    cell: (channel) =>
      channel.problem ? (
        <span className="line-clamp-2 text-bad text-xs">{channel.problem}</span>
      ) : (
        <Targets channel={channel} />
      ),
  },
  {
    id: "last",
    header: "Last delivery",
    className: "max-md:order-5 text-xs",
    cell: (channel) => <LastDelivery delivery={last?.get(channel.id)} />,
  },
  ...(sending
    ? [
        {
          id: "acts",
          header: "Actions",
          // Over the row's link, whose hit area is the whole row.
          className: "z-10 text-right max-md:order-6 max-md:ml-auto",
          cell: (channel: Channel) => <SendTest channel={channel} sending={sending} small />,
        },
      ]
    : []),
];
