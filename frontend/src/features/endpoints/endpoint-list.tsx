import { Link } from "@tanstack/react-router";
import { Check, RefreshCw } from "lucide-react";
import type { Endpoint } from "@/client/types";
import { Labels } from "@/components/domain/bits";
import { EndpointBadge } from "@/components/domain/status";
import { Button } from "@/components/ui/button";
import { type Column, DataList } from "@/components/ui/data-list";
import { Time } from "@/components/ui/time";
import { plural, sentence, shortCommit } from "@/lib/format";

type Act = (endpoint: Endpoint) => void;
/** Absent for those who may not. */
type Acts = { revoke: Act; unlock: Act } | undefined;

const PLATFORMS: Record<string, string> = { linux: "Linux", darwin: "macOS", windows: "Windows" };

/** Whether the machine's scheduler is as Git says. */
function Sync({ endpoint }: { endpoint: Endpoint }) {
  const { applied_commit: applied, fetched_commit: fetched } = endpoint;
  if (!applied) return <span className="text-subtle">Nothing applied</span>;
  const same = applied === fetched;
  return (
    <span
      className="flex items-center gap-1.5"
      title={
        same
          ? "What was fetched is applied."
          : `Fetched ${fetched ? shortCommit(fetched) : "nothing"}, not applied yet.`
      }
    >
      {same ? (
        <Check role="img" aria-label="In sync" className="size-3.5 text-ok" />
      ) : (
        <RefreshCw role="img" aria-label="Applying" className="size-3.5 text-warn" />
      )}
      <code className="font-mono text-xs">{shortCommit(applied)}</code>
    </span>
  );
}

const columns = (acts: Acts): Column<Endpoint>[] => [
  {
    id: "state",
    header: "Status",
    className: "max-md:order-2",
    cell: (endpoint) => <EndpointBadge state={endpoint.state} />,
  },
  {
    id: "name",
    header: "Endpoint",
    className: "max-md:order-1 max-md:flex-1 max-md:basis-1/2",
    cell: (endpoint) => (
      <>
        <p className="truncate font-medium" title={endpoint.hostname}>
          {endpoint.name}
        </p>
        {endpoint.lock_reason && (
          <p className="break-words text-bad text-xs">{sentence(endpoint.lock_reason)}</p>
        )}
        <p className="truncate text-subtle text-xs">
          {PLATFORMS[endpoint.platform] ?? endpoint.platform} {endpoint.arch} · agent {endpoint.agent_version}
        </p>
      </>
    ),
  },
  {
    id: "labels",
    header: "Labels",
    className: "max-md:order-4 max-md:basis-full empty:hidden",
    cell: (endpoint) => <Labels labels={endpoint.labels} max={3} />,
  },
  {
    id: "commit",
    header: "Applied",
    className: "max-md:order-5 max-md:text-xs",
    cell: (endpoint) => <Sync endpoint={endpoint} />,
  },
  {
    id: "jobs",
    header: "Jobs",
    className: "max-md:order-6 max-md:text-xs text-muted",
    cell: (endpoint) => (
      <Link
        to="/runs"
        search={{ endpoint_id: endpoint.id }}
        title="See the runs of this endpoint"
        className="rounded-sm underline-offset-2 hover:text-accent-text hover:underline"
      >
        {plural(endpoint.instances, "job")}
      </Link>
    ),
  },
  {
    id: "seen",
    header: "Last seen",
    className: "tabular text-muted max-md:order-7 max-md:text-xs",
    cell: (endpoint) => <Time at={endpoint.last_seen_at} none="never" />,
  },
  {
    id: "actions",
    header: "Actions",
    className: "flex justify-end gap-1 max-md:order-9 max-md:ml-auto",
    cell: (endpoint) =>
      acts &&
      endpoint.state !== "revoked" && (
        <>
          {endpoint.state === "locked" && (
            <Button size="sm" aria-label={`Unlock ${endpoint.name}`} onClick={() => acts.unlock(endpoint)}>
              Unlock
            </Button>
          )}
          <Button
            variant="dangerGhost"
            size="sm"
            aria-label={`Revoke ${endpoint.name}`}
            onClick={() => acts.revoke(endpoint)}
          >
            Revoke
          </Button>
        </>
      ),
  },
];

export function EndpointList({ endpoints, acts }: { endpoints: Endpoint[]; acts: Acts }) {
  return (
    <DataList
      label="Endpoints"
      columns={columns(acts)}
      items={endpoints}
      rowKey={(endpoint) => endpoint.id}
      grid="md:grid-cols-[6rem_minmax(0,1.5fr)_minmax(0,1.6fr)_6.5rem_4rem_5.5rem_9rem]"
    />
  );
}
