import type { ChannelKind } from "@/client/types";
import { type Raw, text } from "@/lib/search";

export type NewChannelSearch = { kind?: ChannelKind | undefined };

/** Which kinds there are is in the page, not in the first download. */
export const newChannelSearch = (raw: Raw): NewChannelSearch => ({
  kind: text(raw.kind) as ChannelKind | undefined,
});
