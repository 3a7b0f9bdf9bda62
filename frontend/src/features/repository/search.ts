import { type Raw, text } from "@/lib/search";

/** The branch or commit that is checked. */
export type RepositorySearch = { ref?: string | undefined };

export const repositorySearch = (raw: Raw): RepositorySearch => ({ ref: text(raw.ref) });
