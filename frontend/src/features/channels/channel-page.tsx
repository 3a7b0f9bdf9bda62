import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { alerting, channelQuery } from "@/client/alerting";
import { isProblem } from "@/client/problem";
import type { Channel } from "@/client/types";
import { ActionError, explain, QueryError } from "@/components/domain/query-error";
import { PageNotFound, PagePending } from "@/components/shell/fallbacks";
import { Button, buttonVariants } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Confirm } from "@/components/ui/dialog";
import { crumbClass, PageHeader } from "@/components/ui/page";
import { toast } from "@/components/ui/toast";
import { useMay } from "@/lib/session";
import { ChannelForm } from "./channel-form";
import { ChannelTroubles } from "./channel-troubles";
import { ChannelDetails, Targets } from "./details";
import { KINDS } from "./kinds";
import { ChannelBadge } from "./looks";
import { SendTest, TestWords, useSendTest } from "./send-test";

const EVERYTHING = { queryKey: ["incidents", "channels"] };

function Edit({ channel }: { channel: Channel }) {
  const queries = useQueryClient();
  // What is on the server may change while one writes; a save makes the form anew, with the secrets taken out.
  const [saves, setSaves] = useState(0);
  const save = useMutation({
    mutationFn: (body: Parameters<typeof alerting.changeChannel>[1]) => {
      const { config, ...rest } = body;
      return alerting.changeChannel(
        channel.id,
        channel.builtin ? rest : { ...rest, ...(config && { config }) },
      );
    },
    onSuccess: async (saved) => {
      queries.setQueryData(channelQuery(channel.id).queryKey, saved);
      await queries.invalidateQueries(EVERYTHING);
      setSaves((count) => count + 1);
      toast.ok(`${saved.name} is saved`);
    },
  });
  return (
    <Card aria-label="Settings">
      <CardHeader title="Settings" />
      <CardBody>
        <ChannelForm
          key={saves}
          kind={channel.kind}
          channel={channel}
          busy={save.isPending}
          error={save.error}
          submit="Save"
          onSubmit={(body) => save.mutate(body)}
        />
      </CardBody>
    </Card>
  );
}

function Delete({ channel }: { channel: Channel }) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => alerting.deleteChannel(channel.id),
    onSuccess: async () => {
      await navigate({ to: "/channels" });
      toast.ok(`${channel.name} is deleted`);
      void queries.invalidateQueries(EVERYTHING);
    },
    onError: (error) =>
      toast.bad("Could not delete the channel", explain(error).detail || explain(error).title),
    onSettled: () => setAsking(false),
  });
  return (
    <>
      <Button variant="dangerGhost" onClick={() => setAsking(true)}>
        Delete
      </Button>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title={`Delete ${channel.name}?`}
        confirm="Delete channel"
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        Nothing is sent to it any more, also not what is waiting. Routes that name it tell the default
        channels instead.
      </Confirm>
    </>
  );
}

function ChannelView({ channel }: { channel: Channel }) {
  const may = useMay("alerts:manage");
  const sending = useSendTest();
  return (
    <>
      <PageHeader
        crumbs={
          <Link to="/channels" className={crumbClass}>
            Channels
          </Link>
        }
        title={channel.name}
        badge={<ChannelBadge channel={channel} />}
        actions={
          <>
            <Link
              to="/deliveries"
              search={{ channel_id: channel.id }}
              className={buttonVariants({ variant: "secondary" })}
            >
              See deliveries
            </Link>
            {may && <SendTest channel={channel} sending={sending} />}
            {may && !channel.builtin && <Delete channel={channel} />}
          </>
        }
      >
        {KINDS[channel.kind].word}. {KINDS[channel.kind].means}.
      </PageHeader>
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_21rem]">
        <div className="flex flex-col gap-4">
          <ChannelTroubles channel={channel} />
          {sending.data && <TestWords test={sending.data} />}
          <ActionError error={sending.error} />
          {may ? <Edit channel={channel} /> : <ChannelDetails channel={channel} />}
        </div>
        <div className="flex flex-col gap-4">
          <Targets channel={channel} />
          {may && <ChannelDetails channel={channel} />}
        </div>
      </div>
    </>
  );
}

export function ChannelPage({ id }: { id: string }) {
  const query = useQuery(channelQuery(id));
  if (query.data) return <ChannelView key={id} channel={query.data} />;
  if (query.isPending) return <PagePending />;
  if (isProblem(query.error, 404)) return <PageNotFound />;
  return <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />;
}
