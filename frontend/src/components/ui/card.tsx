import type { ComponentProps, ReactNode } from "react";
import { cn } from "@/lib/cn";

export function Card({ className, ...props }: ComponentProps<"section">) {
  return (
    <section
      className={cn("min-w-0 rounded-lg border border-line bg-surface shadow-card", className)}
      {...props}
    />
  );
}

type HeaderProps = { title: ReactNode; aside?: ReactNode; className?: string };

export function CardHeader({ title, aside, className }: HeaderProps) {
  return (
    <div
      className={cn(
        "flex min-h-11 items-center justify-between gap-3 border-line border-b px-4 py-2",
        className,
      )}
    >
      <h2 className="font-medium text-sm">{title}</h2>
      {aside && <div className="flex items-center gap-2 text-subtle text-xs">{aside}</div>}
    </div>
  );
}

export const CardBody = ({ className, ...props }: ComponentProps<"div">) => (
  <div className={cn("p-4", className)} {...props} />
);
