import { useQuery } from "@tanstack/react-query";
import { usageQuery } from "@/client/queries";
import type { UsageItem } from "@/client/types";
import { QueryError } from "@/components/domain/query-error";
import { Card, CardHeader } from "@/components/ui/card";
import { ListSkeleton } from "@/components/ui/skeleton";
import { cn } from "@/lib/cn";
import { formatBytes, plural } from "@/lib/format";
import { SettingsFrame } from "./frame";

const WORDS: Record<string, string> = {
  jobs: "Jobs",
  endpoints: "Endpoints",
  members: "Members and open invitations",
  channels: "Alert channels",
  check_ins_per_minute: "Check-ins of one endpoint or ping key",
  repository_bytes: "Repository",
  run_days: "Runs are kept for",
  failure_days: "Failed runs are kept for",
};

function amount(value: number, unit: UsageItem["unit"]): string {
  if (unit === "bytes") return formatBytes(value);
  if (unit === "days") return plural(value, "day");
  const count = value.toLocaleString("en-GB");
  return unit === "per_minute" ? `${count} a minute` : count;
}

export function UsagePage() {
  const query = useQuery(usageQuery);
  return (
    <SettingsFrame at="/settings/usage">
      <Card aria-label="Plan and usage">
        {query.isPending && <ListSkeleton rows={5} />}
        {query.isError && !query.data && (
          <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
        )}
        {query.data && (
          <>
            <CardHeader
              title={
                <>
                  Plan: <span className="capitalize">{query.data.plan}</span>
                </>
              }
              aside="Whoever runs this Crontopus can change it."
            />
            <ul className="divide-y divide-line">
              {query.data.items.map((item) => (
                <Meter key={item.name} item={item} />
              ))}
            </ul>
          </>
        )}
      </Card>
    </SettingsFrame>
  );
}

function Meter({ item: { name, used, limit, unit } }: { item: UsageItem }) {
  const label = WORDS[name] ?? name.replaceAll("_", " ");
  const share = used === null ? 0 : used / Math.max(1, limit);
  const full = share >= 1;
  const near = share >= 0.8;
  return (
    <li className="grid gap-x-6 gap-y-2 px-4 py-3 text-sm md:grid-cols-[minmax(0,1fr)_minmax(0,1.4fr)] md:items-center">
      <div className="flex items-baseline justify-between gap-3">
        <span>{label}</span>
        <span
          className={cn(
            "tabular whitespace-nowrap text-muted",
            near && "font-medium",
            full ? "text-bad" : near && "text-warn",
          )}
        >
          {used === null ? amount(limit, unit) : `${amount(used, unit)} of ${amount(limit, unit)}`}
          {full ? " – full" : near ? " – nearly full" : ""}
        </span>
      </div>
      {used !== null && (
        <svg
          // The numbers beside it say the same.
          aria-hidden
          viewBox="0 0 100 1"
          preserveAspectRatio="none"
          className="h-2 w-full overflow-hidden rounded-full bg-hover"
        >
          <rect
            width={Math.min(100, share * 100)}
            height="1"
            className={full ? "fill-bad-solid" : near ? "fill-warn-solid" : "fill-accent"}
          />
        </svg>
      )}
    </li>
  );
}
