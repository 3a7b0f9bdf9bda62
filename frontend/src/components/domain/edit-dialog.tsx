import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { JobEdit } from "@/client/edits";
import { changePlanQuery } from "@/client/queries";
import { Confirm } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { Skeleton } from "@/components/ui/skeleton";
import { useJobEdit } from "./edit-job";
import { PlanView } from "./plan-view";
import { ActionError } from "./query-error";

type Props = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** What it means, in a sentence or two. */
  children: ReactNode;
  /** Fields that say what exactly is to be done. */
  form?: ReactNode;
  /** Null while `form` is not filled in. */
  edit: JobEdit | null;
  confirm: string;
  danger?: boolean;
  openDiff?: boolean;
  /** Goes where the job is now. */
  onDone: () => Promise<void>;
};

function Planned({ edit, openDiff }: { edit: JobEdit; openDiff: boolean }) {
  const plan = useQuery(changePlanQuery(edit));
  if (plan.data) return <PlanView plan={plan.data} openDiff={openDiff} />;
  if (plan.isError) return <ActionError error={plan.error} />;
  return (
    <div role="status" aria-label="Working out what would change" className="flex flex-col gap-2">
      <Skeleton className="h-5 w-2/3" />
      <Skeleton className="h-24" />
    </div>
  );
}

/** Shows what an edit would do, then does it. */
export function EditDialog({
  open,
  onOpenChange,
  title,
  children,
  form,
  edit,
  confirm,
  danger = false,
  openDiff = true,
  onDone,
}: Props) {
  const [message, setMessage] = useState("");
  const { doing, refresh } = useJobEdit();
  // The same query as the one shown: what would be refused cannot be pressed.
  const plan = useQuery({ ...changePlanQuery(edit ?? NOTHING), enabled: open && edit !== null });
  const ready = edit !== null && plan.data?.applicable === true && !plan.isFetching;
  const change = (next: boolean) => {
    if (!next) {
      setMessage("");
      doing.reset();
    }
    onOpenChange(next);
  };
  const go = () => {
    if (!edit) return;
    doing.mutate(
      { ...edit, message: message.trim() || undefined },
      {
        onSuccess: async () => {
          change(false);
          await onDone();
          refresh();
        },
      },
    );
  };
  return (
    <Confirm
      open={open}
      onOpenChange={change}
      title={title}
      confirm={confirm}
      variant={danger ? "danger" : "primary"}
      busy={doing.isPending}
      disabled={!ready}
      focusBody={form !== undefined}
      onConfirm={go}
      body={
        <div className="flex min-w-0 flex-col gap-4">
          {form}
          {edit && <Planned edit={edit} openDiff={openDiff} />}
          <Field label="Commit message" aside="optional">
            <Input value={message} maxLength={500} onValueChange={setMessage} />
          </Field>
          <ActionError error={doing.error} />
        </div>
      }
    >
      {children}
    </Confirm>
  );
}

const NOTHING: JobEdit = { kind: "delete", namespace: "", name: "" };
