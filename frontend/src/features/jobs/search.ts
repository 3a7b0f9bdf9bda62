import { type Mode, STATES, type State } from "@/client/types";
import { oneOf, type Raw, text } from "@/lib/search";

export type JobsSearch = {
  q?: string | undefined;
  state?: State | undefined;
  namespace?: string | undefined;
};

export const jobsSearch = (raw: Raw): JobsSearch => ({
  q: text(raw.q),
  state: oneOf(STATES, raw.state),
  namespace: text(raw.namespace),
});

const COMMIT = /^[0-9a-f]{40}$/;

export type JobSearch = {
  tab?: "runs" | "history" | "manifest" | undefined;
  /** The commit whose version the history shows. */
  version?: string | undefined;
  /** Whether a discovered job's adoption is open. */
  adopt?: boolean | undefined;
};

/** Where jobs that were found on endpoints wait. */
export const DISCOVERED = "discovered";

export const jobSearch = (raw: Raw): JobSearch => {
  const version = text(raw.version);
  return {
    tab: oneOf(["runs", "history", "manifest"], raw.tab),
    version: version && COMMIT.test(version) ? version : undefined,
    adopt: raw.adopt === true || undefined,
  };
};

export const newJobSearch = (raw: Raw): { mode?: Mode | undefined } => ({
  mode: oneOf(["ping", "agent"], raw.mode),
});
