import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

type Props = {
  title: ReactNode;
  /** Where the page hangs: links to what is above it. */
  crumbs?: ReactNode;
  badge?: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
};

export function PageHeader({ title, crumbs, badge, children, actions }: Props) {
  return (
    <header className="mb-5 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        {crumbs && (
          <nav
            aria-label="Breadcrumb"
            className="mb-1 flex flex-wrap items-center gap-1.5 text-sm text-subtle"
          >
            {crumbs}
          </nav>
        )}
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h1 className="min-w-0 break-words font-semibold text-xl tracking-tight">{title}</h1>
          {badge}
        </div>
        {children && <div className="mt-1 text-muted text-sm">{children}</div>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}

export const crumbClass = "rounded-sm hover:text-text hover:underline underline-offset-2";

type FactsProps = { items: { label: string; value: ReactNode; wide?: boolean }[]; className?: string };

/** Pairs of name and value. */
export function Facts({ items, className }: FactsProps) {
  return (
    <dl className={cn("grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-2.5 text-sm", className)}>
      {items.map(({ label, value }) => (
        <div key={label} className="contents">
          <dt className="whitespace-nowrap text-subtle">{label}</dt>
          <dd className="min-w-0 break-words text-right">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
