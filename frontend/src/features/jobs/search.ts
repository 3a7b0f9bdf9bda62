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

export type JobSearch = { tab?: "runs" | "manifest" | undefined };

export const jobSearch = (raw: Raw): JobSearch => ({ tab: oneOf(["runs", "manifest"], raw.tab) });

export const newJobSearch = (raw: Raw): { mode?: Mode | undefined } => ({
  mode: oneOf(["ping", "agent"], raw.mode),
});
