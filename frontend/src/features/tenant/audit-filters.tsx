import { useNavigate } from "@tanstack/react-router";
import { Button } from "@/components/ui/button";
import { Field, Input } from "@/components/ui/field";
import { SearchInput } from "@/components/ui/search-input";
import { Select } from "@/components/ui/select";
import type { AuditSearch } from "./search";

const ABOUT = [
  { value: "", label: "Everything" },
  { value: "member", label: "Members" },
  { value: "invitation", label: "Invitations" },
  { value: "token", label: "Tokens" },
  { value: "endpoint", label: "Endpoints" },
  { value: "ping_key", label: "Ping keys" },
  { value: "tenant", label: "The tenant" },
];

export function AuditFilters({ search }: { search: AuditSearch }) {
  const navigate = useNavigate();
  const set = (change: Partial<AuditSearch>) =>
    void navigate({ to: "/settings/audit", search: { ...search, ...change }, replace: true });
  const exact = search.action?.includes(".") ? [{ value: search.action, label: search.action }] : [];
  const filtered = Object.values(search).some((each) => each !== undefined);
  return (
    <search aria-label="Filters" className="mb-4 flex flex-wrap items-end gap-2">
      <Select
        label="About"
        className="w-full sm:w-40"
        value={search.action ?? ""}
        options={[...ABOUT, ...exact]}
        onChange={(action) => set({ action: action || undefined })}
      />
      <div className="w-full sm:w-44">
        <SearchInput
          label="Who"
          placeholder="Who"
          value={search.actor ?? ""}
          onChange={(actor) => set({ actor: actor.trim() || undefined })}
        />
      </div>
      <div className="w-full sm:w-44">
        <SearchInput
          label="What it was done to"
          placeholder="Done to"
          slash={false}
          value={search.subject ?? ""}
          onChange={(subject) => set({ subject: subject.trim() || undefined })}
        />
      </div>
      <Day label="From" value={search.since} onChange={(since) => set({ since })} />
      <Day label="To" value={search.until} onChange={(until) => set({ until })} />
      {filtered && (
        <Button
          variant="ghost"
          onClick={() =>
            set({
              actor: undefined,
              action: undefined,
              subject: undefined,
              since: undefined,
              until: undefined,
            })
          }
        >
          Clear
        </Button>
      )}
    </search>
  );
}

type DayProps = { label: string; value: string | undefined; onChange: (day: string | undefined) => void };

const Day = ({ label, value, onChange }: DayProps) => (
  <Field label={label} className="flex-row items-center gap-2 [&_label]:font-normal [&_label]:text-muted">
    <Input
      type="date"
      className="w-36"
      value={value ?? ""}
      onChange={(event) => onChange(event.currentTarget.value || undefined)}
    />
  </Field>
);
