import { Field as BaseField } from "@base-ui/react/field";
import { CircleAlert } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { cn } from "@/lib/cn";
import { inputClass } from "./input-class";

type FieldProps = {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  /** Beside the label, at the right: "optional", a link. */
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
};

/** Label, control, hint and error, wired to each other for screen readers by Base UI. */
export function Field({ label, hint, error, aside, children, className }: FieldProps) {
  return (
    <BaseField.Root invalid={Boolean(error)} className={cn("flex flex-col gap-1.5", className)}>
      <div className="flex items-baseline justify-between gap-3">
        <BaseField.Label className="font-medium text-sm">{label}</BaseField.Label>
        {aside && <span className="text-subtle text-xs">{aside}</span>}
      </div>
      {children}
      {error ? (
        <BaseField.Error match className="flex items-start gap-1.5 text-bad text-sm">
          <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
          <span>{error}</span>
        </BaseField.Error>
      ) : (
        hint && <BaseField.Description className="text-subtle text-xs">{hint}</BaseField.Description>
      )}
    </BaseField.Root>
  );
}

/** Several lines of what comes from a machine. */
export function TextArea({ className, ...props }: ComponentProps<"textarea">) {
  return (
    <BaseField.Control
      render={<textarea {...props} />}
      className={cn(inputClass, "h-auto py-2 font-mono leading-5 md:h-auto md:text-xs", className)}
    />
  );
}

export function Input({ className, ...props }: ComponentProps<typeof BaseField.Control>) {
  return <BaseField.Control className={cn(inputClass, className as string)} {...props} />;
}
