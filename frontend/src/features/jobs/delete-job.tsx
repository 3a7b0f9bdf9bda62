import { useNavigate } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import type { Job } from "@/client/types";
import { EditDialog } from "@/components/domain/edit-dialog";
import { useUndoable } from "@/components/domain/edit-job";
import { Button } from "@/components/ui/button";

export function DeleteJob({ job }: { job: Job }) {
  const [open, setOpen] = useState(false);
  const navigate = useNavigate();
  const undoable = useUndoable();
  const { namespace, name } = job;
  const address = `${namespace}/${name}`;
  const done = async () => {
    await navigate({ to: "/jobs" });
    undoable({
      title: `${address} is deleted`,
      detail: "Its runs and history stay.",
      undo: { kind: "rollback", namespace, name, commit: job.commit },
      undone: `${address} is back`,
    });
  };
  return (
    <>
      <Button variant="secondary" className="text-bad" onClick={() => setOpen(true)}>
        <Trash2 aria-hidden /> Delete
      </Button>
      <EditDialog
        open={open}
        onOpenChange={setOpen}
        title={`Delete ${address}?`}
        confirm="Delete job"
        danger
        openDiff={false}
        edit={{ kind: "delete", namespace, name, etag: job.etag }}
        onDone={done}
      >
        A commit removes <code className="break-all font-mono">{job.path}</code>.{" "}
        {job.mode === "agent"
          ? "Agents take it out of their schedulers within seconds."
          : "Its ping URL stops working."}{" "}
        Its runs and history stay, and it can be brought back.
      </EditDialog>
    </>
  );
}
