import { Checkbox as Base } from "@base-ui/react/checkbox";
import { Check } from "lucide-react";
import type { ReactNode } from "react";

type Props = { checked: boolean; onChange: (checked: boolean) => void; children: ReactNode };

export function Checkbox({ checked, onChange, children }: Props) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: Base UI renders the control inside
    <label className="flex cursor-pointer items-start gap-2.5 text-sm">
      <Base.Root
        checked={checked}
        onCheckedChange={onChange}
        className="mt-0.5 grid size-4 shrink-0 place-items-center rounded-sm border border-line-strong bg-surface data-checked:border-accent data-checked:bg-accent"
      >
        <Base.Indicator className="text-on-accent">
          <Check aria-hidden className="size-3" strokeWidth={3} />
        </Base.Indicator>
      </Base.Root>
      <span>{children}</span>
    </label>
  );
}
