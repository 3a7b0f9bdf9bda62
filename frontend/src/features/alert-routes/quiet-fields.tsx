import { SEVERITIES } from "@/client/types";
import { severityWord } from "@/components/domain/incident-words";
import { Select } from "@/components/ui/select";
import { TIME_ZONES, timeProblem, zoneProblem } from "./checks";
import { Boxes, Checked, Choices, OnlyInText } from "./controls";
import { QUIET, type Quiet, type Stretch, withoutWindow, withPart, withValue, withWindow } from "./spec";

type Props = {
  quiet: Quiet | null;
  /** What the server said about a place in the text. */
  refused: (path: string) => string | undefined;
  change: (how: (text: string) => string) => void;
};

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
const dayWord = (day: string) => day.slice(0, 1).toUpperCase() + day.slice(1);

const BELOW = SEVERITIES.map((value) => ({
  value: value as string,
  label: value === "critical" ? "Critical" : `${severityWord(value)} and above`,
}));

function Below({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const known = BELOW.some((option) => option.value === value);
  const options = known ? BELOW : [...BELOW, { value, label: value }];
  return (
    <div className="flex min-w-0 flex-col gap-1.5">
      <span className="font-medium text-sm">Told at once</span>
      <Select label="Told at once" value={value} options={options} onChange={onChange} />
      <p className="text-subtle text-xs">What is less severe waits.</p>
    </div>
  );
}

/** When this route tells nobody of what can wait. */
export function QuietFields({ quiet, refused, change }: Props) {
  if (!quiet) return <OnlyInText legend="Quiet hours" />;
  const { windows, timezone, below } = quiet;
  const set = (key: keyof Quiet, value: unknown) => change((text) => withValue(text, [...QUIET, key], value));
  const windowAt = (index: number, key: keyof Stretch) => [...QUIET, "windows", index, key];
  const time = (index: number, key: "from" | "to") => {
    const value = windows[index]?.[key] ?? "";
    return (
      <Checked
        label={dayWord(key)}
        type="time"
        value={value}
        problem={timeProblem(value) ?? refused(`spec.quietHours.windows[${index}].${key}`)}
        onChange={(next) => change((text) => withPart(text, windowAt(index, key), next))}
      />
    );
  };
  return (
    <Boxes
      legend="Quiet hours"
      hint="When this route tells nobody of what can wait. What is still open at their end is told then."
      noun="Window"
      add={windows.length === 0 ? "Add quiet hours" : "Add window"}
      count={windows.length}
      most={32}
      onAdd={() => change((text) => withWindow(text, new Intl.DateTimeFormat().resolvedOptions().timeZone))}
      onRemove={(index) => change((text) => withoutWindow(text, index))}
      box={(index) => (
        <>
          <div className="grid grid-cols-2 gap-3">
            {time(index, "from")}
            {time(index, "to")}
          </div>
          <p className="-mt-1.5 text-subtle text-xs">“To” before “From”, or the same: the next day.</p>
          <Choices
            inline
            legend="Begins on (none: every day)"
            all={DAYS}
            chosen={windows[index]?.days ?? []}
            word={dayWord}
            problem={refused(`spec.quietHours.windows[${index}].days`)}
            onChange={(next) => change((text) => withValue(text, windowAt(index, "days"), next))}
          />
        </>
      )}
    >
      {windows.length > 0 && (
        <div className="grid gap-3 sm:grid-cols-2">
          <Checked
            label="Time zone"
            hint="None: UTC."
            optional
            value={timezone}
            problem={zoneProblem(timezone) ?? refused("spec.quietHours.timezone")}
            list={TIME_ZONES}
            onChange={(next) => set("timezone", next)}
          />
          <Below value={below} onChange={(next) => set("below", next === "critical" ? undefined : next)} />
        </div>
      )}
    </Boxes>
  );
}
