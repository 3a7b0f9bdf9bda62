import type { DeliveryFilter } from "@/client/alerting";
import { oneOf, type Raw, text } from "@/lib/search";

export type DeliveriesSearch = DeliveryFilter;

export const deliveriesSearch = (raw: Raw): DeliveriesSearch => ({
  channel_id: text(raw.channel_id),
  incident_id: text(raw.incident_id),
  state: oneOf(["pending", "sent", "failed"], raw.state),
});
