import { CirclePause, CirclePlay } from "lucide-react";
import type { Job } from "@/client/types";
import { sayFailed, useJobEdit, useUndoable } from "@/components/domain/edit-job";
import { Button } from "@/components/ui/button";

/** One press, because the opposite is one press as well. */
export function PauseJob({ job }: { job: Job }) {
  const { doing, refresh } = useJobEdit();
  const undoable = useUndoable();
  const { namespace, name, paused } = job;
  const address = `${namespace}/${name}`;
  const press = () =>
    doing.mutate(
      { kind: paused ? "resume" : "pause", namespace, name },
      {
        onSuccess: () => {
          refresh();
          undoable({
            title: paused ? `${address} is resumed` : `${address} is paused`,
            detail: paused
              ? "Runs are expected again."
              : "Nothing runs and nothing is expected until it is resumed.",
            undo: { kind: paused ? "pause" : "resume", namespace, name },
            undone: paused ? `${address} is paused again` : `${address} is resumed`,
          });
        },
        onError: (error) => sayFailed(`Could not ${paused ? "resume" : "pause"} ${address}`, error),
      },
    );
  return (
    <Button busy={doing.isPending} onClick={press}>
      {paused ? <CirclePlay aria-hidden /> : <CirclePause aria-hidden />} {paused ? "Resume" : "Pause"}
    </Button>
  );
}
