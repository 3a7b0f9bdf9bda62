import { Button as BaseButton } from "@base-ui/react/button";
import { cva, type VariantProps } from "class-variance-authority";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";
import { Spinner } from "./spinner";

export const buttonVariants = cva(
  "inline-flex shrink-0 select-none items-center justify-center gap-1.5 whitespace-nowrap rounded-md font-medium text-sm transition-colors disabled:pointer-events-none disabled:opacity-55 data-disabled:pointer-events-none data-disabled:opacity-55 [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      variant: {
        primary: "bg-accent text-on-accent shadow-card hover:bg-accent-hover",
        secondary: "border border-line-strong bg-surface text-text shadow-card hover:bg-hover",
        ghost: "text-muted hover:bg-hover hover:text-text",
        danger: "bg-bad-hover text-on-accent shadow-card hover:brightness-110 dark:bg-bad-hover",
        dangerGhost: "text-muted hover:bg-bad-soft hover:text-bad",
      },
      size: { sm: "h-7 px-2.5", md: "h-8 px-3", lg: "h-9 px-4", icon: "size-8", iconSm: "size-7" },
    },
    defaultVariants: { variant: "secondary", size: "md" },
  },
);

type Props = ComponentProps<typeof BaseButton> & VariantProps<typeof buttonVariants> & { busy?: boolean };

/** While busy the button keeps its place and focus, but cannot be pressed twice. */
export function Button({ variant, size, busy = false, className, children, disabled, ...props }: Props) {
  return (
    <BaseButton
      type="button"
      className={cn(buttonVariants({ variant, size }), className as string)}
      disabled={disabled || busy}
      focusableWhenDisabled={busy}
      aria-busy={busy || undefined}
      {...props}
    >
      {busy && <Spinner />}
      {children}
    </BaseButton>
  );
}
