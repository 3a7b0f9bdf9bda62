import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { alerting } from "@/client/alerting";
import type { ChannelKind, ChannelMade } from "@/client/types";
import { buttonVariants } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Dialog } from "@/components/ui/dialog";
import { Message } from "@/components/ui/message";
import { crumbClass, PageHeader } from "@/components/ui/page";
import { Secret } from "@/components/ui/secret";
import { toast } from "@/components/ui/toast";
import { ChannelForm } from "./channel-form";
import { CHANNEL_KINDS, KINDS } from "./kinds";

const crumbs = (
  <Link to="/channels" className={crumbClass}>
    Channels
  </Link>
);

function Choose() {
  return (
    <Card>
      <CardHeader title="What kind?" />
      <ul className="grid sm:grid-cols-2">
        {CHANNEL_KINDS.map((kind) => (
          <li
            key={kind}
            className="border-line border-b p-1 last:border-b-0 sm:nth-last-2:border-b-0 sm:odd:border-r"
          >
            <Link
              to="/channels/new"
              search={{ kind }}
              className="block rounded-md px-3 py-2.5 text-sm hover:bg-hover"
            >
              <span className="block font-medium">{KINDS[kind].word}</span>
              <span className="block text-muted text-xs">{KINDS[kind].means}</span>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** The secret that the server made for a webhook's signatures. */
function SigningSecret({ made, onDone }: { made: ChannelMade | null; onDone: () => void }) {
  return (
    <Dialog
      open={made !== null}
      onOpenChange={(open) => !open && onDone()}
      dismissible={false}
      title={`Signing secret of “${made?.name ?? ""}”`}
    >
      <div className="flex flex-col gap-4">
        <Message tone="warn" title="Copy it now">
          With it the receiver checks that a request came from here. It cannot be shown again.
        </Message>
        <Secret label="Signing secret" value={made?.signing_secret ?? ""} />
        <div className="flex justify-end">
          <button type="button" className={buttonVariants({ variant: "primary" })} onClick={onDone}>
            Done
          </button>
        </div>
      </div>
    </Dialog>
  );
}

export function NewChannelPage({ kind: asked }: { kind: ChannelKind | undefined }) {
  // The address may say anything.
  const kind = CHANNEL_KINDS.find((each) => each === asked);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [made, setMade] = useState<ChannelMade | null>(null);
  const show = (id: string) => void navigate({ to: "/channels/$id", params: { id } });
  const make = useMutation({
    mutationFn: alerting.makeChannel,
    onSuccess: (channel) => {
      void queries.invalidateQueries({ queryKey: ["incidents", "channels"] });
      if (channel.signing_secret) setMade(channel);
      else show(channel.id);
      toast.ok(`${channel.name} is made`, channel.state === "ready" ? undefined : "It is not verified yet.");
    },
  });
  return (
    <div className="max-w-2xl">
      <PageHeader crumbs={crumbs} title={kind ? `New channel: ${KINDS[kind].word}` : "New channel"}>
        {kind ? `${KINDS[kind].means}.` : "Where notifications are to go."}
      </PageHeader>
      {kind ? (
        <Card aria-label="New channel">
          <CardBody>
            <ChannelForm
              key={kind}
              kind={kind}
              busy={make.isPending}
              error={make.error}
              submit="Make channel"
              onSubmit={(body) => make.mutate(body)}
              cancel={
                <Link to="/channels/new" search={{}} className={buttonVariants()}>
                  Another kind
                </Link>
              }
            />
          </CardBody>
        </Card>
      ) : (
        <Choose />
      )}
      <SigningSecret made={made} onDone={() => made && show(made.id)} />
    </div>
  );
}
