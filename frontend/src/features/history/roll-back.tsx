import { useNavigate } from "@tanstack/react-router";
import { Undo2 } from "lucide-react";
import { useState } from "react";
import type { JobEdit } from "@/client/edits";
import type { Version } from "@/client/types";
import { EditDialog } from "@/components/domain/edit-dialog";
import { useUndoable } from "@/components/domain/edit-job";
import { May } from "@/components/domain/may";
import { Button } from "@/components/ui/button";
import { formatExact, shortCommit } from "@/lib/format";

type Props = {
  namespace: string;
  name: string;
  /** What to go back to. */
  to: Version;
  /** What is in the way: the newest version. */
  newest: Version;
};

/** A new commit with an old text. Where the job is deleted, that brings it back. */
export function RollBack({ namespace, name, to, newest }: Props) {
  const [open, setOpen] = useState(false);
  const navigate = useNavigate();
  const undoable = useUndoable();
  const job = { namespace, name };
  const gone = newest.action === "deleted";
  const undo: JobEdit = gone
    ? { kind: "delete", ...job }
    : { kind: "rollback", ...job, commit: newest.commit };
  const done = async () => {
    await navigate({
      to: "/jobs/$namespace/$name",
      params: job,
      search: gone ? {} : { tab: "history" },
    });
    undoable({
      title: gone ? `${namespace}/${name} is back` : `${namespace}/${name} is rolled back`,
      detail: `As it was at ${shortCommit(to.commit)}`,
      undo,
      undone: gone ? `${namespace}/${name} is deleted again` : `${namespace}/${name} is as before`,
    });
  };
  return (
    <May scope="jobs:write">
      <Button variant={gone ? "primary" : "secondary"} onClick={() => setOpen(true)}>
        <Undo2 aria-hidden /> {gone ? "Bring it back" : "Roll back to this version"}
      </Button>
      <EditDialog
        open={open}
        onOpenChange={setOpen}
        title={gone ? `Bring back ${namespace}/${name}?` : `Roll back to ${shortCommit(to.commit)}?`}
        confirm={gone ? "Bring it back" : "Roll back"}
        edit={{ kind: "rollback", ...job, commit: to.commit }}
        onDone={done}
      >
        A new commit makes the file what it was on {formatExact(to.at).replace(/ \(.*$/, "")}. Nothing is
        lost: the versions since then stay in the history.
      </EditDialog>
    </May>
  );
}
