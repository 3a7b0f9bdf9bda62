import { ChevronRight } from "lucide-react";
import { type ReactNode, useState } from "react";
import { cn } from "@/lib/cn";

type Props = {
  summary: ReactNode;
  children: ReactNode;
  /** From the start. */
  open?: boolean;
  className?: string;
};

/** A row that opens. What is inside is not made before: a list can have a thousand of these. */
export function Fold({ summary, children, open = false, className }: Props) {
  const [opened, setOpened] = useState(open);
  return (
    <details
      open={open}
      onToggle={(event) => event.currentTarget.open && setOpened(true)}
      className={cn("row-lazy group/fold", className)}
    >
      <summary className="flex cursor-pointer list-none items-start gap-2.5 px-3 py-2.5 text-sm -outline-offset-2 hover:bg-hover/60 [&::-webkit-details-marker]:hidden">
        <ChevronRight
          aria-hidden
          className="mt-0.5 size-4 shrink-0 text-subtle transition-transform group-open/fold:rotate-90"
        />
        <div className="flex min-w-0 flex-1 flex-wrap items-center gap-x-3 gap-y-1">{summary}</div>
      </summary>
      {opened && <div className="px-3 pt-1 pb-4 sm:pl-9.5">{children}</div>}
    </details>
  );
}
