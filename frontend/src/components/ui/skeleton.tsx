import { cn } from "@/lib/cn";

export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cn("animate-pulse rounded-md bg-hover", className)} />;
}

const ROWS = ["a", "b", "c", "d", "e", "f"];

/** The outline of a list that is still on its way. */
export function ListSkeleton({ rows = 6 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" className="divide-y divide-line">
      {ROWS.slice(0, rows).map((key) => (
        <div key={key} className="flex items-center gap-4 px-4 py-3.5">
          <Skeleton className="h-5 w-20 rounded-full" />
          <Skeleton className="h-4 max-w-56 flex-1" />
          <Skeleton className="ml-auto hidden h-4 w-28 md:block" />
          <Skeleton className="h-4 w-16" />
        </div>
      ))}
    </div>
  );
}
