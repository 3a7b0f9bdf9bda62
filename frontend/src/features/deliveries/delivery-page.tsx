import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleX } from "lucide-react";
import { channelQuery, deliveryQuery } from "@/client/alerting";
import { isProblem } from "@/client/problem";
import { incidentQuery } from "@/client/queries";
import type { Attempt, DeliveryDetail } from "@/client/types";
import { DeliveryBadge, NEWS } from "@/components/domain/delivery-badge";
import { QueryError } from "@/components/domain/query-error";
import { PageNotFound, PagePending } from "@/components/shell/fallbacks";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { CodeBlock } from "@/components/ui/code";
import { Empty } from "@/components/ui/message";
import { crumbClass, Facts, PageHeader } from "@/components/ui/page";
import { Time } from "@/components/ui/time";
import { formatDuration, plural } from "@/lib/format";
import { Resend } from "./resend";

function Try({ attempt, number }: { attempt: Attempt; number: number }) {
  const { ok, at, took_ms, size, status, response, error } = attempt;
  const Icon = ok ? CircleCheck : CircleX;
  return (
    <li className="flex gap-3 px-4 py-3 text-sm">
      <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${ok ? "text-ok" : "text-bad"}`} />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-baseline gap-x-2">
          <span className="font-medium">
            Try {number}: {ok ? "taken" : "not taken"}
            {status !== null && ` (${status})`}
          </span>
          <span className="text-subtle text-xs">
            <Time at={at} />, in {formatDuration(took_ms / 1000)}
            {size > 1 && `, one message for ${plural(size, "delivery", "deliveries")}`}
          </span>
        </p>
        {error && <p className="break-words text-muted">{error}</p>}
        {response && (
          <CodeBlock
            className="mt-2"
            title="What came back"
            what={`answer to try ${number}`}
            code={response}
            wrap
          />
        )}
      </div>
    </li>
  );
}

function Tries({ delivery }: { delivery: DeliveryDetail }) {
  const { attempts } = delivery;
  const tries = delivery.tries.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return (
    <Card aria-label="Tries">
      <CardHeader
        title={plural(attempts, "try", "tries")}
        aside={attempts > tries.length && `the last ${tries.length}; kept for 30 days`}
      />
      {tries.length === 0 && <Empty icon={<CircleCheck />} title="Not tried yet" />}
      <ol className="divide-y divide-line">
        {tries.map((attempt, index) => (
          <Try
            key={`${attempt.at} ${attempt.took_ms}`}
            attempt={attempt}
            number={Math.max(attempts, tries.length) - tries.length + index + 1}
          />
        ))}
      </ol>
    </Card>
  );
}

function DeliveryFacts({ delivery }: { delivery: DeliveryDetail }) {
  const incident = useQuery(incidentQuery(delivery.incident_id)).data;
  const channel = useQuery({
    ...channelQuery(delivery.channel_id ?? ""),
    enabled: delivery.channel_id !== null,
  }).data;
  const link = "rounded-sm underline-offset-2 hover:text-accent-text hover:underline";
  return (
    <Facts
      items={[
        {
          label: "Incident",
          value: (
            <Link to="/incidents/$id" params={{ id: delivery.incident_id }} className={link}>
              {incident?.title ?? "Open it"}
            </Link>
          ),
        },
        {
          label: "Channel",
          value: delivery.channel_id ? (
            <Link to="/channels/$id" params={{ id: delivery.channel_id }} className={link}>
              {channel?.name ?? delivery.kind}
            </Link>
          ) : (
            "deleted"
          ),
        },
        { label: "Made", value: <Time at={delivery.created_at} /> },
        { label: "Sent", value: <Time at={delivery.sent_at} none="not yet" /> },
        ...(delivery.state === "pending"
          ? [
              ...(delivery.held ? [{ label: "Held", value: delivery.held }] : []),
              { label: "Next try", value: <Time at={delivery.next_at} /> },
              { label: "Given up", value: <Time at={delivery.expires_at} /> },
            ]
          : []),
        {
          label: "Message id",
          value: delivery.message_id ? (
            <code className="break-all font-mono text-xs">{delivery.message_id}</code>
          ) : (
            "–"
          ),
        },
      ]}
    />
  );
}

function DeliveryView({ delivery }: { delivery: DeliveryDetail }) {
  return (
    <>
      <PageHeader
        crumbs={
          <Link to="/deliveries" className={crumbClass}>
            Deliveries
          </Link>
        }
        title={`${NEWS[delivery.event]}, to ${delivery.target}`}
        badge={<DeliveryBadge state={delivery.state} />}
        actions={<Resend delivery={delivery} />}
      />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,1fr)_21rem]">
        <Tries delivery={delivery} />
        <Card className="h-fit">
          <CardHeader title="Details" />
          <CardBody>
            <DeliveryFacts delivery={delivery} />
          </CardBody>
        </Card>
      </div>
    </>
  );
}

export function DeliveryPage({ id }: { id: string }) {
  const query = useQuery(deliveryQuery(id));
  if (query.data) return <DeliveryView delivery={query.data} />;
  if (query.isPending) return <PagePending />;
  if (isProblem(query.error, 404)) return <PageNotFound />;
  return <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />;
}
