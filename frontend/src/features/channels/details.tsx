import type { Channel } from "@/client/types";
import { Badge, type Tone } from "@/components/ui/badge";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Facts } from "@/components/ui/page";
import { Time } from "@/components/ui/time";
import { KINDS } from "./kinds";

type TargetState = Channel["targets"][number]["state"];

const TARGETS: Record<TargetState, { word: string; tone: Tone }> = {
  ready: { word: "Ready", tone: "ok" },
  unverified: { word: "Waits for its yes", tone: "warn" },
  unsubscribed: { word: "Unsubscribed", tone: "idle" },
};

/** Where it leads to. */
export function Targets({ channel }: { channel: Channel }) {
  return (
    <Card>
      <CardHeader title="Leads to" />
      <ul className="divide-y divide-line">
        {channel.targets.map(({ target, state }) => (
          <li key={target} className="flex items-center justify-between gap-3 px-4 py-2.5 text-sm">
            <span className="min-w-0 break-words">{target}</span>
            <Badge tone={TARGETS[state].tone}>{TARGETS[state].word}</Badge>
          </li>
        ))}
        {channel.targets.length === 0 && <li className="px-4 py-3 text-muted text-sm">Nowhere yet.</li>}
      </ul>
    </Card>
  );
}

export function ChannelDetails({ channel }: { channel: Channel }) {
  const secrets = KINDS[channel.kind].fields.filter(({ name }) => channel.secrets.includes(name));
  return (
    <Card className="h-fit">
      <CardHeader title="Details" />
      <CardBody>
        <Facts
          items={[
            { label: "Verified", value: <Time at={channel.verified_at} none="not yet" /> },
            { label: "Default", value: channel.default ? "yes" : "no" },
            { label: "At most", value: `${channel.per_minute.toLocaleString("en-GB")} a minute` },
            {
              label: "Secrets set",
              value: secrets.length ? secrets.map(({ label }) => label).join(", ") : "none",
            },
            { label: "Made", value: <Time at={channel.created_at} /> },
          ]}
        />
      </CardBody>
    </Card>
  );
}
