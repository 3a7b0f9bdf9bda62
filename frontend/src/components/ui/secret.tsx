import { Field } from "@base-ui/react/field";
import { cn } from "@/lib/cn";
import { CopyButton } from "./copy";
import { inputClass } from "./input-class";

/** A secret that is shown this once. A field, so that one click selects it all. */
export function Secret({ label, value }: { label: string; value: string }) {
  return (
    <Field.Root className="flex flex-col gap-1.5">
      <Field.Label className="font-medium text-sm">{label}</Field.Label>
      <div className="flex items-center gap-1">
        <Field.Control
          readOnly
          value={value}
          onFocus={(event) => event.currentTarget.select()}
          className={cn(inputClass, "bg-sunken font-mono md:text-xs")}
        />
        <CopyButton text={value} what={label.toLowerCase()} />
      </div>
    </Field.Root>
  );
}
