import type { ReactNode } from "react";
import { useEffect, useRef } from "react";
import { cn } from "@/lib/cn";
import { Button } from "./button";

export type Column<T> = {
  id: string;
  header: string;
  cell: (item: T) => ReactNode;
  /** Where the cell goes on a phone's card (flex order, width) and how it is aligned on a wide screen. */
  className?: string;
};

type Props<T> = {
  label: string;
  columns: Column<T>[];
  items: T[];
  rowKey: (item: T) => string;
  /** The `md:grid-cols-[…]` template, as a whole class name. */
  grid: string;
  rowClassName?: (item: T) => string | undefined;
};

/**
 * A table on wide screens, a stack of cards on phones; one markup. Grid layout would take a <table> its
 * meaning in some browsers, so the roles are written out. A row's link is stretched over the whole row.
 */
export function DataList<T>({ label, columns, items, rowKey, grid, rowClassName }: Props<T>) {
  const row = cn("md:grid md:items-center md:gap-x-4 md:px-4", grid);
  return (
    <div role="table" aria-label={label} aria-rowcount={-1}>
      <div role="rowgroup" className="max-md:sr-only">
        <div role="row" className={cn(row, "border-line border-b py-2 text-subtle text-xs")}>
          {columns.map((column) => (
            <div key={column.id} role="columnheader" className={cn("min-w-0 truncate", column.className)}>
              {column.header}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="divide-y divide-line">
        {items.map((item) => (
          <div
            key={rowKey(item)}
            role="row"
            className={cn(
              row,
              "row-lazy relative flex flex-wrap max-md:before:order-3 max-md:before:basis-full max-md:before:content-[''] items-center gap-x-3 gap-y-1.5 px-4 py-3 text-sm last:rounded-b-lg has-[a.row-link:hover]:bg-hover/60 md:min-h-13 md:py-2",
              rowClassName?.(item),
            )}
          >
            {columns.map((column) => (
              <div key={column.id} role="cell" className={cn("min-w-0", column.className)}>
                {column.cell(item)}
              </div>
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

/** Class of a row's main link: its hit area is the row. */
export const rowLinkClass =
  "row-link rounded-sm font-medium text-text after:absolute after:inset-0 hover:text-accent-text focus-visible:outline-none focus-visible:after:rounded-md focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent-text";

type MoreProps = { has: boolean; loading: boolean; shown: number; load: () => void };

/** Loads the next page when it scrolls into view; also a button, for keyboards and for whoever is quicker. */
export function LoadMore({ has, loading, shown, load }: MoreProps) {
  const mark = useRef<HTMLDivElement>(null);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const element = mark.current;
    if (!element || !has || loading || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), {
      rootMargin: "600px",
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [has, loading]);
  if (!has) return null;
  return (
    <div
      ref={mark}
      className="flex items-center justify-center gap-3 border-line border-t px-4 py-3 text-sm text-subtle"
    >
      <span>{shown.toLocaleString("en-GB")} shown</span>
      <Button variant="ghost" size="sm" busy={loading} onClick={load}>
        Load more
      </Button>
    </div>
  );
}
