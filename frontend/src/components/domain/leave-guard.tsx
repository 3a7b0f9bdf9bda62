import { useBlocker } from "@tanstack/react-router";
import { Confirm } from "@/components/ui/dialog";

/** Asks before text that is not saved is left behind. */
export function LeaveGuard({ dirty }: { dirty: boolean }) {
  const blocker = useBlocker({
    shouldBlockFn: () => dirty,
    enableBeforeUnload: () => dirty,
    withResolver: true,
  });
  return (
    <Confirm
      open={blocker.status === "blocked"}
      onOpenChange={(open) => !open && blocker.reset?.()}
      title="Leave without saving?"
      confirm="Discard changes"
      onConfirm={() => blocker.proceed?.()}
    >
      Your changes are not committed yet and would be lost.
    </Confirm>
  );
}
