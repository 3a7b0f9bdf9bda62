import { CircleCheck, CircleX, MailQuestion, Unplug } from "lucide-react";
import type { ReactNode } from "react";
import type { Channel, ChannelState, Delivery } from "@/client/types";
import { DeliveryBadge } from "@/components/domain/delivery-badge";
import { Badge, type Tone } from "@/components/ui/badge";
import { Time } from "@/components/ui/time";

const STATES: Record<ChannelState, { word: string; tone: Tone; icon: ReactNode; means: string }> = {
  ready: { word: "Ready", tone: "ok", icon: <CircleCheck aria-hidden />, means: "It has been verified." },
  unverified: {
    word: "Not verified",
    tone: "warn",
    icon: <MailQuestion aria-hidden />,
    means: "Nothing is sent to it yet.",
  },
  broken: {
    word: "Broken",
    tone: "bad",
    icon: <CircleX aria-hidden />,
    means: "It refuses what is sent to it.",
  },
};

export function ChannelBadge({ channel }: { channel: Channel }) {
  const { word, tone, icon, means } = STATES[channel.state];
  if (channel.state === "ready" && channel.breaker.state !== "closed") {
    return (
      <Badge
        tone="warn"
        icon={<Unplug aria-hidden />}
        title="After several failures it is left alone for a while."
      >
        {channel.breaker.state === "open" ? "Held back" : "Trying"}
      </Badge>
    );
  }
  return (
    <Badge tone={tone} icon={icon} title={channel.problem ?? means}>
      {word}
    </Badge>
  );
}

export function LastDelivery({ delivery }: { delivery: Delivery | undefined }) {
  if (!delivery) return <span className="text-subtle">none lately</span>;
  return (
    <span className="flex items-center gap-2">
      <DeliveryBadge state={delivery.state} />
      <Time
        at={delivery.sent_at ?? delivery.created_at}
        className="tabular whitespace-nowrap text-muted text-xs"
      />
    </span>
  );
}
