import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { namespacesQuery } from "@/client/queries";
import type { ImportBody, ImportKind } from "@/client/types";
import { Field, Input } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { parseLabels } from "@/lib/labels";
import type { Source } from "./source";

export type Wanted = { kind: ImportKind; namespace: string; timezone: string; labels: string; user: string };

export const NOTHING_WANTED: Wanted = {
  kind: "crontab",
  namespace: "default",
  timezone: "UTC",
  labels: "",
  user: "",
};

const KINDS: { value: ImportKind; label: string }[] = [
  { value: "crontab", label: "A user’s crontab (crontab -l)" },
  { value: "system-crontab", label: "/etc/crontab or /etc/cron.d" },
  { value: "task-scheduler", label: "Windows Task Scheduler (XML)" },
];

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export type Wrong = Partial<Record<keyof Wanted, string>>;

export function wrongIn({ namespace, labels }: Wanted): Wrong {
  const parsed = parseLabels(labels);
  return {
    ...(NAME.test(namespace) ? {} : { namespace: "Lower-case letters, digits and -, at most 63." }),
    ...("wrong" in parsed ? { labels: `“${parsed.wrong}” is not a label. Write key=value, key=value.` } : {}),
  };
}

export function bodyOf(source: Source, { kind, namespace, timezone, labels, user }: Wanted): ImportBody {
  const parsed = parseLabels(labels);
  const matched = "labels" in parsed && Object.keys(parsed.labels).length > 0 ? parsed.labels : null;
  return {
    ...("text" in source ? { text: source.text } : { base64: source.base64 }),
    ...{ kind, namespace, timezone, match_labels: matched },
    ...(kind === "crontab" && user ? { user } : {}),
  };
}

/** Not all of the 400: the browser would filter them by what is typed anyway. */
const zonesLike = (text: string) =>
  Intl.supportedValuesOf("timeZone")
    .filter((zone) => zone.toLowerCase().includes(text.toLowerCase()))
    .slice(0, 20);

type Props = { value: Wanted; wrong: Wrong; onChange: (value: Wanted) => void };

export function ImportForm({ value, wrong, onChange }: Props) {
  const { data } = useQuery(namespacesQuery);
  const [namespaces, zones] = [useId(), useId()];
  const set = (change: Partial<Wanted>) => onChange({ ...value, ...change });
  const plain = { autoComplete: "off", spellCheck: false };
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-col gap-1.5">
        <span aria-hidden className="font-medium text-sm">
          Kind
        </span>
        <Select label="Kind" value={value.kind} options={KINDS} onChange={(kind) => set({ kind })} />
      </div>
      <Field label="Namespace" error={wrong.namespace} hint="The folder the jobs are put into.">
        <Input
          {...plain}
          list={namespaces}
          value={value.namespace}
          onValueChange={(text) => set({ namespace: text.trim() })}
        />
        <datalist id={namespaces}>
          {data?.items.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </Field>
      <Field label="Timezone" hint="The machine’s own: timedatectl shows it.">
        <Input
          {...plain}
          list={zones}
          value={value.timezone}
          onValueChange={(text) => set({ timezone: text.trim() })}
        />
        <datalist id={zones}>
          {zonesLike(value.timezone).map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </Field>
      <Field label="Labels" error={wrong.labels} hint="The endpoints that run the jobs. Without: none does.">
        <Input
          {...plain}
          placeholder="role=db, env=prod"
          value={value.labels}
          onValueChange={(labels) => set({ labels })}
        />
      </Field>
      {value.kind === "crontab" && (
        <Field label="User" aside="optional" hint="Whose crontab it is.">
          <Input {...plain} value={value.user} onValueChange={(text) => set({ user: text.trim() })} />
        </Field>
      )}
    </div>
  );
}
