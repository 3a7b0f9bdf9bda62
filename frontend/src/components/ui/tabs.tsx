import { Link, type LinkProps } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

export type TabLink = {
  label: ReactNode;
  active: boolean;
  link: Pick<LinkProps, "to" | "params" | "search">;
};

/** Tabs that are places: each has its own address, so they are links and not an ARIA tab list. */
export function TabLinks({ label, tabs }: { label: string; tabs: TabLink[] }) {
  return (
    <nav aria-label={label} className="mb-5 flex gap-1 overflow-x-auto border-line border-b">
      {tabs.map(({ label: text, active, link }, index) => (
        <Link
          // biome-ignore lint/suspicious/noArrayIndexKey: the tabs of a page never move
          key={index}
          {...(link as LinkProps)}
          aria-current={active ? "page" : undefined}
          className={cn(
            "-mb-px flex items-center gap-1.5 whitespace-nowrap border-b-2 px-3 py-2 text-sm -outline-offset-2",
            active
              ? "border-accent font-medium text-text dark:border-accent-text"
              : "border-transparent text-muted hover:text-text",
          )}
        >
          {text}
        </Link>
      ))}
    </nav>
  );
}
