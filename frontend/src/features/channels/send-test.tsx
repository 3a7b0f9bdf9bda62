import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Send } from "lucide-react";
import { alerting } from "@/client/alerting";
import type { Channel, ChannelTest } from "@/client/types";
import { explain } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Message } from "@/components/ui/message";
import { toast } from "@/components/ui/toast";
import { plural } from "@/lib/format";

export function useSendTest() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (channel: Channel) => alerting.testChannel(channel.id),
    onSuccess: (test, { name }) => {
      const failed = test.results.filter(({ ok }) => !ok);
      if (test.ok) toast.ok(`${name} took the test`);
      else toast.bad(`${name} did not take the test`, failed[0]?.words);
    },
    onError: (error) => toast.bad("Could not send a test", explain(error).detail || explain(error).title),
    onSettled: () => queries.invalidateQueries({ queryKey: ["incidents", "channels"] }),
  });
}

type Sending = ReturnType<typeof useSendTest>;

export function SendTest({ channel, sending, small }: { channel: Channel; sending: Sending; small?: true }) {
  return (
    <Button
      size={small ? "sm" : "md"}
      aria-label={`Send test to ${channel.name}`}
      busy={sending.isPending && sending.variables.id === channel.id}
      onClick={() => sending.mutate(channel)}
    >
      <Send aria-hidden /> Send test
    </Button>
  );
}

/** The receivers' own words. */
export function TestWords({ test }: { test: ChannelTest }) {
  return (
    <Message
      announce
      tone={test.ok ? "info" : "bad"}
      title={test.ok ? "The test was taken" : "The test was not taken"}
    >
      <ul className="flex flex-col gap-1">
        {test.results.map(({ target, ok, words, took_ms, status }) => (
          <li key={target} className="break-words">
            <span className="font-medium text-text">{target}</span>: {words}
            <span className="text-subtle text-xs">
              {" "}
              {status ? `${status}, ` : ""}
              {ok ? "taken" : "refused"} in {took_ms.toLocaleString("en-GB")} ms
            </span>
          </li>
        ))}
        {test.results.length === 0 && <li>{plural(0, "target")}: it leads nowhere yet.</li>}
      </ul>
    </Message>
  );
}
