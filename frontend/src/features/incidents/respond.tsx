import { useMutation, useQueryClient } from "@tanstack/react-query";
import { BellOff, BellRing, Check, CircleCheck, Clock, Ellipsis } from "lucide-react";
import { useState } from "react";
import { api } from "@/client/api";
import type { IncidentDetail } from "@/client/types";
import { explain } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { Menu, MenuItem, MenuSeparator } from "@/components/ui/menu";
import { toast } from "@/components/ui/toast";
import { useMay } from "@/lib/session";

const HOUR = 3600;
const SNOOZES = [
  { seconds: HOUR, words: "an hour" },
  { seconds: 4 * HOUR, words: "4 hours" },
  { seconds: 24 * HOUR, words: "a day" },
];

type Act = { id: string; act: "acknowledge" | "mute" | "unmute" | "resolve" | number };

const DONE: Record<Exclude<Act["act"], number>, [title: string, detail?: string]> = {
  acknowledge: ["Acknowledged"],
  mute: ["Muted", "Nobody hears of it until it is over."],
  unmute: ["Unmuted"],
  resolve: ["Resolved", "It stays so until it goes wrong anew."],
};

function perform({ id, act }: Act) {
  if (act === "acknowledge") return api.acknowledge(id);
  return typeof act === "number" ? api.snooze(id, act) : api.respond(id, act);
}

function useRespond() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: perform,
    onSuccess: async (_, { act }) => {
      await queries.invalidateQueries({ queryKey: ["incidents"] });
      const snooze = SNOOZES.find(({ seconds }) => seconds === act);
      if (snooze) toast.ok(`Snoozed for ${snooze.words}`);
      else if (typeof act === "string") toast.ok(...DONE[act]);
    },
    onError: (error) => toast.bad("That did not work", explain(error).detail || explain(error).title),
  });
}

/** Take an open incident on, be left alone with it, or say that it is over. */
export function Respond({ incident }: { incident: IncidentDetail }) {
  const [asking, setAsking] = useState(false);
  const respond = useRespond();
  if (!useMay("alerts:manage") || incident.state !== "open") return null;
  const { id, muted, acknowledged_at } = incident;
  const act = (what: Act["act"]) => respond.mutate({ id, act: what });
  return (
    <>
      {!acknowledged_at && (
        <Button busy={respond.isPending} onClick={() => act("acknowledge")}>
          <Check aria-hidden /> Acknowledge
        </Button>
      )}
      <Menu
        trigger={
          <Button busy={respond.isPending} aria-label="More ways to respond">
            <Ellipsis aria-hidden /> Respond
          </Button>
        }
      >
        {SNOOZES.map(({ seconds, words }) => (
          <MenuItem key={seconds} onClick={() => act(seconds)}>
            <Clock aria-hidden /> Snooze for {words}
          </MenuItem>
        ))}
        <MenuSeparator />
        <MenuItem onClick={() => act(muted ? "unmute" : "mute")}>
          {muted ? <BellRing aria-hidden /> : <BellOff aria-hidden />}
          {muted ? "Unmute" : "Mute until it is over"}
        </MenuItem>
        <MenuItem onClick={() => setAsking(true)}>
          <CircleCheck aria-hidden /> Resolve
        </MenuItem>
      </Menu>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title="Resolve this incident by hand?"
        confirm="Resolve"
        variant="primary"
        busy={respond.isPending}
        onConfirm={() => respond.mutate({ id, act: "resolve" }, { onSettled: () => setAsking(false) })}
      >
        Whoever was told hears that it is over. It resolves by itself when all is well again; do this when you
        know better. It opens anew when it next goes wrong.
      </Confirm>
    </>
  );
}
