import { ChevronDown } from "lucide-react";
import { cn } from "@/lib/cn";

export type Option<T extends string> = { value: T; label: string };

type Props<T extends string> = {
  label: string;
  value: T;
  options: readonly Option<T>[];
  onChange: (value: T) => void;
  className?: string;
};

/** The browser's own: at home on phones, and without the weight of one made of popups in the first download. */
export function Select<T extends string>({ label, value, options, onChange, className }: Props<T>) {
  return (
    <div className={cn("relative min-w-0", className)}>
      <select
        aria-label={label}
        value={value}
        onChange={({ target }) => {
          const chosen = options[target.selectedIndex];
          if (chosen) onChange(chosen.value);
        }}
        className="h-9 w-full cursor-pointer appearance-none truncate rounded-md border border-line-strong bg-surface pr-8 pl-3 text-[16px] text-text shadow-card transition-colors hover:bg-hover md:h-8 md:text-sm"
      >
        {options.map((option) => (
          <option key={option.value} value={option.value} className="bg-surface text-text">
            {option.label}
          </option>
        ))}
      </select>
      <ChevronDown
        aria-hidden
        className="pointer-events-none absolute top-1/2 right-2.5 size-4 -translate-y-1/2 text-subtle"
      />
    </div>
  );
}
