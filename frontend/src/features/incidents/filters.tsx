import { useNavigate } from "@tanstack/react-router";
import { X } from "lucide-react";
import { INCIDENT_KINDS, type IncidentKind, SEVERITIES, type Severity } from "@/client/types";
import { kindWord, severityWord } from "@/components/domain/incident-words";
import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import type { IncidentsSearch } from "./search";

const KINDS = [
  { value: "all" as const, label: "Any kind" },
  ...INCIDENT_KINDS.map((value) => ({ value, label: kindWord(value) })),
];
const WORTH = [
  { value: "all" as const, label: "Any severity" },
  ...SEVERITIES.map((value) => ({ value, label: severityWord(value) })),
];

export function useIncidentFilter() {
  const navigate = useNavigate({ from: "/incidents/" });
  return (change: Partial<IncidentsSearch>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true, resetScroll: false });
}

function Chip({ children, remove }: { children: string; remove: () => void }) {
  return (
    <Button
      className="max-w-full font-normal max-md:col-span-2 max-md:h-9"
      onClick={remove}
      aria-label={`Remove filter: ${children}`}
    >
      <span className="truncate">{children}</span>
      <X aria-hidden className="text-subtle" />
    </Button>
  );
}

export function IncidentFilters({
  search,
  endpointName,
}: {
  search: IncidentsSearch;
  endpointName: string | undefined;
}) {
  const set = useIncidentFilter();
  const { job, endpoint } = search;
  return (
    <search className="mb-4 grid grid-cols-2 gap-2 md:flex md:flex-wrap">
      <Select<IncidentKind | "all">
        label="Kind"
        className="md:w-44"
        value={search.kind ?? "all"}
        options={KINDS}
        onChange={(kind) => set({ kind: kind === "all" ? undefined : kind })}
      />
      <Select<Severity | "all">
        label="Severity"
        className="md:w-40"
        value={search.severity ?? "all"}
        options={WORTH}
        onChange={(severity) => set({ severity: severity === "all" ? undefined : severity })}
      />
      {job && <Chip remove={() => set({ job: undefined })}>{`Job: ${job}`}</Chip>}
      {endpoint && (
        <Chip remove={() => set({ endpoint: undefined })}>{`Endpoint: ${endpointName ?? endpoint}`}</Chip>
      )}
    </search>
  );
}
