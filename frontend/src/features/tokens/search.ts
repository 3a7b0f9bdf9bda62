import type { Raw } from "@/lib/search";

/** One's own tokens when the address says nothing. */
export type TokensSearch = { all?: true | undefined };

export const tokensSearch = (raw: Raw): TokensSearch => ({ all: raw.all === true ? true : undefined });
