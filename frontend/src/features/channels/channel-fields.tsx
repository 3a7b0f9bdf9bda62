import type { ChannelKind } from "@/client/types";
import { Checkbox } from "@/components/ui/checkbox";
import { Field, Input, TextArea } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import type { Values } from "./config";
import { KINDS, type KindField } from "./kinds";

type Props = {
  kind: ChannelKind;
  values: Values;
  problems: Values;
  /** Secrets that are set. */
  known: readonly string[];
  onChange: (name: string, value: string) => void;
};

const REGIONS = [
  { value: "us", label: "United States" },
  { value: "eu", label: "Europe" },
] as const;

const ROWS: Partial<Record<NonNullable<KindField["type"]>, number>> = {
  addresses: 3,
  headers: 2,
  template: 4,
};

function One({ field, values, problems, known, onChange }: Omit<Props, "kind"> & { field: KindField }) {
  const { name, label, type } = field;
  const value = values[name] ?? "";
  const set = (next: string) => onChange(name, next);
  if (type === "owners") {
    return (
      <Checkbox checked={value === "yes"} onChange={(on) => set(on ? "yes" : "")}>
        {label}
      </Checkbox>
    );
  }
  if (type === "region") {
    return (
      <div className="flex flex-col gap-1.5">
        <span className="font-medium text-sm">{label}</span>
        <Select label={label} value={value === "eu" ? "eu" : "us"} options={REGIONS} onChange={set} />
      </div>
    );
  }
  const isSet = field.secret && known.includes(name);
  const common = {
    value,
    placeholder: isSet ? "Set. Leave empty to keep it." : field.placeholder,
    autoComplete: "off",
    spellCheck: false,
  };
  const rows = type && ROWS[type];
  return (
    <Field
      label={label}
      aside={field.optional && "optional"}
      error={problems[name]}
      hint={isSet ? "Kept secret: what is set cannot be shown." : field.hint}
    >
      {rows ? (
        <TextArea {...common} rows={rows} onChange={(event) => set(event.target.value)} />
      ) : (
        <Input {...common} type={field.secret ? "password" : "text"} onValueChange={set} />
      )}
    </Field>
  );
}

/** The fields of a kind, as kinds.ts lists them. */
export const ChannelFields = (props: Props) =>
  KINDS[props.kind].fields.map((field) => <One key={field.name} field={field} {...props} />);
