import { useRouteContext } from "@tanstack/react-router";
import { Spinner } from "@/components/ui/spinner";
import { cn } from "@/lib/cn";
import { useLiveState } from "@/lib/live";

const WORDS = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting" };
const TITLES = {
  connecting: "Opening the event stream",
  live: "Changes appear by themselves",
  reconnecting: "The event stream broke. What you see may be some seconds old.",
};

export function LiveBadge({ className }: { className?: string }) {
  const { live } = useRouteContext({ from: "__root__" });
  const state = useLiveState(live);
  return (
    <span
      role="status"
      title={TITLES[state]}
      className={cn(
        "inline-flex items-center gap-1.5 whitespace-nowrap text-xs",
        state === "reconnecting" ? "font-medium text-warn" : "text-subtle",
        className,
      )}
    >
      {state === "live" ? (
        <span aria-hidden className="size-2 rounded-full bg-ok-solid" />
      ) : (
        <Spinner className="size-3" />
      )}
      {WORDS[state]}
    </span>
  );
}
