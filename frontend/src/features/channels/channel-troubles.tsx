import type { Channel } from "@/client/types";
import { Message } from "@/components/ui/message";
import { Time } from "@/components/ui/time";
import { plural } from "@/lib/format";
import { KINDS } from "./kinds";

/** Why nothing, or not all, gets there, and what to do about it. */
export function ChannelTroubles({ channel }: { channel: Channel }) {
  const { state, problem, kind, breaker } = channel;
  const held = breaker.state !== "closed";
  return (
    <>
      {state === "unverified" && (
        <Message tone="warn" title="Not verified: nothing is sent to it yet">
          {KINDS[kind].verify}
          {problem && ` ${problem}`}
        </Message>
      )}
      {state === "broken" && (
        <Message tone="bad" title="It does not take what is sent to it">
          {problem ?? "Its last messages were refused."} Correct its settings, then send a test.
        </Message>
      )}
      {held && (
        <Message tone="warn" title="It is left alone for a while">
          {plural(breaker.failures, "failure")} in a row, since <Time at={breaker.failing_since} />.{" "}
          {breaker.open_until && (
            <>
              One message tries again <Time at={breaker.open_until} />.{" "}
            </>
          )}
          What waits is sent later, in its order.
        </Message>
      )}
    </>
  );
}
