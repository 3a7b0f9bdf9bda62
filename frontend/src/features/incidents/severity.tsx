import { ChevronsUp, ChevronUp, Info } from "lucide-react";
import { cn } from "@/lib/cn";

const LOOKS: Record<string, { icon: typeof Info; className: string }> = {
  critical: { icon: ChevronsUp, className: "text-bad" },
  error: { icon: ChevronUp, className: "text-bad" },
  warning: { icon: ChevronUp, className: "text-warn" },
};

export function Severity({ severity }: { severity: string }) {
  const { icon: Icon, className } = LOOKS[severity] ?? { icon: Info, className: "text-muted" };
  return (
    <span className={cn("inline-flex items-center gap-1 whitespace-nowrap text-xs", className)}>
      <Icon aria-hidden className="size-3.5" />
      {severity}
    </span>
  );
}
