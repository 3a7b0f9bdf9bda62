import { CircleAlert, Plus, X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { Button } from "@/components/ui/button";
import { Checkbox } from "@/components/ui/checkbox";
import { Field, Input } from "@/components/ui/field";
import { cn } from "@/lib/cn";
import { useSettled } from "@/lib/settled";

type ListedProps = {
  label: string;
  hint: string;
  value: string;
  onChange: (text: string) => string | undefined;
};

/** A field that is text here and a list or mapping there: told when it is left, so that a comma can be typed. */
export function Listed({ label, hint, value, onChange }: ListedProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const [wrong, setWrong] = useState<string>();
  return (
    <Field label={label} aside="optional" hint={hint} error={wrong}>
      <Input
        value={draft ?? value}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        onValueChange={(next: string) => setDraft(next)}
        onBlur={() => {
          if (draft === null) return;
          const problem = onChange(draft);
          setWrong(problem);
          if (!problem) setDraft(null);
        }}
      />
    </Field>
  );
}

type CheckedProps = {
  label: string;
  hint?: string;
  optional?: boolean;
  value: string;
  problem: string | undefined;
  onChange: (text: string) => void;
  /** What can be chosen from, besides typing. */
  list?: readonly string[];
  type?: "text" | "time";
  className?: string;
};

/** A field that says what is wrong with it, but not in the middle of a word. */
export function Checked({ label, hint, optional, value, problem, onChange, list, ...input }: CheckedProps) {
  // Not when it is left: what moves the page under a press makes it miss.
  const settled = useSettled(value) === value;
  const [focused, setFocused] = useState(false);
  const options = useId();
  return (
    <Field
      label={label}
      aside={optional && "optional"}
      hint={hint}
      error={settled ? problem : undefined}
      className="min-w-0"
    >
      <Input
        value={value}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        {...(list && { list: options })}
        {...input}
        onValueChange={(next: string) => onChange(next.trim())}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
      />
      {list && focused && (
        <datalist id={options}>
          {list.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
    </Field>
  );
}

type ChoicesProps<T extends string> = {
  legend: string;
  all: readonly T[];
  chosen: readonly string[];
  word?: (each: T) => string;
  problem?: string | undefined;
  /** What to say while nothing is chosen; a mistake once it was left like that. */
  needed?: string;
  /** As many in a line as there is room for: for short words. */
  inline?: boolean;
  onChange: (chosen: string[]) => void;
};

export function Choices<T extends string>({
  legend,
  all,
  chosen,
  word = (each) => each,
  problem,
  needed,
  inline = false,
  onChange,
}: ChoicesProps<T>) {
  const about = useId();
  const [left, setLeft] = useState(false);
  const lacking = chosen.length === 0 ? needed : undefined;
  const said = problem ?? lacking;
  // What the text has and nobody here knows stays until it is taken away.
  const shown = [...new Set([...all, ...(chosen as T[])])];
  return (
    <fieldset
      className="min-w-0"
      aria-describedby={said && about}
      onBlur={({ currentTarget, relatedTarget }) => setLeft(!currentTarget.contains(relatedTarget))}
    >
      <legend className="mb-2 font-medium text-sm">{legend}</legend>
      <div className={inline ? "flex flex-wrap gap-x-4 gap-y-2" : "grid grid-cols-2 gap-2"}>
        {shown.map((each) => (
          <Checkbox
            key={each}
            checked={chosen.includes(each)}
            onChange={(on) => onChange(shown.filter((one) => (one === each ? on : chosen.includes(one))))}
          >
            <span className="break-words">{word(each)}</span>
          </Checkbox>
        ))}
      </div>
      {said && (
        // As high before it is a mistake as after: see Checked.
        <p
          id={about}
          className={cn(
            "mt-1.5 flex items-start gap-1.5 text-sm",
            problem || left ? "text-bad" : "text-subtle",
          )}
        >
          <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
          <span>{said}</span>
        </p>
      )}
    </fieldset>
  );
}

type BoxesProps = {
  legend: string;
  hint: string;
  /** What one of them is called. */
  noun: string;
  add: string;
  count: number;
  most: number;
  onAdd: () => void;
  onRemove: (index: number) => void;
  /** What is in the box. */
  box: (index: number) => ReactNode;
  /** What is about all of them. */
  children?: ReactNode;
};

/** A numbered list that grows and shrinks. The focus goes along, as its place may be gone. */
export function Boxes({ legend, hint, noun, add, count, most, onAdd, onRemove, box, children }: BoxesProps) {
  const root = useRef<HTMLFieldSetElement>(null);
  const moved = useRef<"box" | "add">(undefined);
  const said = useId();
  useEffect(() => {
    const { current } = moved;
    moved.current = undefined;
    if (current === "box") root.current?.querySelector<HTMLElement>(`[data-box="${count}"] input`)?.focus();
    if (current === "add") root.current?.querySelector<HTMLElement>("[data-add]")?.focus();
  }, [count]);
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  return (
    <fieldset ref={root} className="flex min-w-0 flex-col gap-3" aria-describedby={said}>
      <legend className="mb-1 font-medium text-sm">{legend}</legend>
      <p id={said} className="text-subtle text-xs">
        {hint}
      </p>
      {children}
      {numbers.map((number) => (
        <fieldset
          key={number}
          data-box={number}
          aria-label={`${noun} ${number}`}
          className="flex min-w-0 flex-col gap-3 rounded-md border border-line p-3"
        >
          <div className="-my-1 -mr-1 flex items-center justify-between">
            <span className="font-medium text-muted text-xs">
              {noun} {number}
            </span>
            <Button
              variant="ghost"
              size="iconSm"
              aria-label={`Remove ${noun.toLowerCase()} ${number}`}
              onClick={() => {
                moved.current = "add";
                onRemove(number - 1);
              }}
            >
              <X aria-hidden />
            </Button>
          </div>
          {box(number - 1)}
        </fieldset>
      ))}
      <div className={cn("flex items-center gap-3", count >= most && "text-subtle text-xs")}>
        <Button
          size="sm"
          data-add
          disabled={count >= most}
          onClick={() => {
            moved.current = "box";
            onAdd();
          }}
        >
          <Plus aria-hidden /> {add}
        </Button>
        {count >= most && <span>{most} at most.</span>}
      </div>
    </fieldset>
  );
}

/** In place of fields, where they would write over something. */
export const OnlyInText = ({ legend }: { legend: string }) => (
  <div className="flex flex-col gap-1">
    <span className="font-medium text-sm">{legend}</span>
    <p className="text-subtle text-xs">The text has something here that fields cannot show.</p>
  </div>
);
