import { CircleCheck, CircleX, Clock } from "lucide-react";
import type { ReactNode } from "react";
import type { Delivery, DeliveryState } from "@/client/types";
import { Badge, type Tone } from "@/components/ui/badge";

export const DELIVERY_LOOKS: Record<
  DeliveryState,
  { word: string; tone: Tone; icon: ReactNode; means: string }
> = {
  pending: { word: "Pending", tone: "info", icon: <Clock aria-hidden />, means: "On its way, or held." },
  sent: { word: "Sent", tone: "ok", icon: <CircleCheck aria-hidden />, means: "The receiver took it." },
  failed: {
    word: "Failed",
    tone: "bad",
    icon: <CircleX aria-hidden />,
    means: "Given up. It can be sent again.",
  },
};

export function DeliveryBadge({ state }: { state: DeliveryState }) {
  const { word, tone, icon, means } = DELIVERY_LOOKS[state];
  return (
    <Badge tone={tone} icon={icon} title={means}>
      {word}
    </Badge>
  );
}

export const NEWS: Record<Delivery["event"], string> = {
  opened: "Opened",
  acknowledged: "Acknowledged",
  resolved: "Resolved",
  reminded: "Reminder",
};
