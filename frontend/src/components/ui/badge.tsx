import { cva, type VariantProps } from "class-variance-authority";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

const badge = cva(
  "inline-flex h-5.5 shrink-0 items-center gap-1 whitespace-nowrap rounded-full px-2 font-medium text-xs [&_svg]:size-3.5 [&_svg]:shrink-0",
  {
    variants: {
      tone: {
        ok: "bg-ok-soft text-ok",
        info: "bg-info-soft text-info",
        warn: "bg-warn-soft text-warn",
        bad: "bg-bad-soft text-bad",
        idle: "bg-hover text-muted",
        ghost: "border border-line-strong border-dashed text-muted",
      },
    },
    defaultVariants: { tone: "idle" },
  },
);

export type Tone = NonNullable<VariantProps<typeof badge>["tone"]>;

type Props = { tone?: Tone; icon?: ReactNode; children: ReactNode; className?: string; title?: string };

/** Always an icon and a word: colour is only the third way of saying it. */
export function Badge({ tone, icon, children, className, title }: Props) {
  return (
    <span className={cn(badge({ tone }), className)} title={title}>
      {icon}
      {children}
    </span>
  );
}

/** A neutral, square-cornered tag for things that are not a status: labels, modes, scopes. */
export function Tag({
  children,
  className,
  title,
}: {
  children: ReactNode;
  className?: string;
  title?: string;
}) {
  return (
    <span
      title={title}
      className={cn(
        "inline-flex h-5 max-w-full items-center gap-1 rounded-sm border border-line bg-sunken px-1.5 text-muted text-xs [&_svg]:size-3",
        className,
      )}
    >
      {children}
    </span>
  );
}
