import { type FormEvent, useId, useState } from "react";
import { Button } from "@/components/ui/button";
import { inputClass } from "@/components/ui/input-class";
import { cn } from "@/lib/cn";
import { withLabel } from "./search";

type Props = { labels: readonly string[]; onChange: (labels: string[]) => void };

/** Takes one label after the other; those that are taken are shown as filters to remove. */
export function LabelFilter({ labels, onChange }: Props) {
  const [written, setWritten] = useState("");
  const [wrong, setWrong] = useState<string>();
  const errorId = useId();
  const add = (event: FormEvent) => {
    event.preventDefault();
    const label = written.trim();
    if (!label) return;
    const all = withLabel(labels, label);
    setWrong(all ? undefined : label);
    if (!all) return;
    setWritten("");
    onChange(all);
  };
  return (
    <form onSubmit={add} className="relative max-md:col-span-2">
      <input
        aria-label="Label"
        aria-invalid={wrong !== undefined}
        aria-describedby={wrong === undefined ? undefined : errorId}
        data-invalid={wrong === undefined ? undefined : ""}
        placeholder="Label: key=value"
        autoCapitalize="off"
        autoComplete="off"
        spellCheck={false}
        value={written}
        onChange={({ target }) => {
          setWritten(target.value);
          setWrong(undefined);
        }}
        className={cn(inputClass, "pr-14 md:w-52")}
      />
      {written.trim() && (
        <Button
          type="submit"
          variant="ghost"
          size="sm"
          className="absolute top-1 right-1 h-7 px-2 text-xs md:top-1 md:h-6 md:w-auto"
        >
          Add<span className="sr-only"> label</span>
        </Button>
      )}
      {wrong !== undefined && (
        <p id={errorId} role="alert" className="mt-1 text-bad text-xs md:w-52">
          “{wrong}” is not a label. Write key=value.
        </p>
      )}
    </form>
  );
}
