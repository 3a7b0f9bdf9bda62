import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { FolderInput } from "lucide-react";
import { useId, useState } from "react";
import { namespacesQuery } from "@/client/queries";
import type { Job } from "@/client/types";
import { EditDialog } from "@/components/domain/edit-dialog";
import { useUndoable } from "@/components/domain/edit-job";
import { Button } from "@/components/ui/button";
import { Field, Input } from "@/components/ui/field";
import { useSettled } from "@/lib/settled";

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const WRONG = "Lower-case letters, digits and -, at most 63.";

type Address = { namespace: string; name: string };
type FormProps = { value: Address; onChange: (value: Address) => void };

function AddressForm({ value, onChange }: FormProps) {
  const { data } = useQuery(namespacesQuery);
  const list = useId();
  const names = (data?.items ?? []).map(({ name }) => name).filter((name) => name !== "discovered");
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label="Namespace" error={NAME.test(value.namespace) ? undefined : WRONG}>
        <Input
          value={value.namespace}
          list={list}
          autoComplete="off"
          spellCheck={false}
          onValueChange={(namespace) => onChange({ ...value, namespace: namespace.trim() })}
        />
        <datalist id={list}>
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </Field>
      <Field label="Name" error={NAME.test(value.name) ? undefined : WRONG}>
        <Input
          value={value.name}
          autoComplete="off"
          spellCheck={false}
          onValueChange={(name) => onChange({ ...value, name: name.trim() })}
        />
      </Field>
    </div>
  );
}

type DialogProps = {
  job: Job;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** The namespace to start with. */
  namespace: string;
  adopt?: boolean;
};

/** Moves a job to another address. Out of `discovered` that is how it is adopted. */
export function MoveDialog({ job, open, onOpenChange, namespace, adopt = false }: DialogProps) {
  const [to, setTo] = useState<Address>({ namespace, name: job.name });
  // Each letter would otherwise ask the server what moving there would do.
  const settled = useSettled(to);
  const navigate = useNavigate();
  const undoable = useUndoable();
  const from = { namespace: job.namespace, name: job.name };
  const valid = settled === to && NAME.test(to.namespace) && NAME.test(to.name);
  const elsewhere = to.namespace !== from.namespace || to.name !== from.name;
  const done = async () => {
    const address = `${to.namespace}/${to.name}`;
    await navigate({ to: "/jobs/$namespace/$name", params: to });
    undoable({
      title: adopt ? `${address} is adopted` : `Renamed to ${address}`,
      detail: "Runs, history and ping URL came along.",
      undo: { kind: "rename", ...to, to: from },
      undone: `It is ${from.namespace}/${from.name} again`,
      after: () => void navigate({ to: "/jobs/$namespace/$name", params: from }),
    });
  };
  return (
    <EditDialog
      open={open}
      onOpenChange={onOpenChange}
      title={adopt ? `Adopt ${job.name}` : `Rename or move ${from.namespace}/${from.name}`}
      confirm={adopt ? "Adopt job" : "Rename job"}
      edit={valid && elsewhere ? { kind: "rename", ...from, to, etag: job.etag } : null}
      form={<AddressForm value={to} onChange={setTo} />}
      openDiff={false}
      onDone={done}
    >
      {adopt
        ? "It becomes a job like any other, in the namespace you choose: from then on the machine follows this file."
        : "It stays the same job: its runs, status, history and ping URL come along."}
    </EditDialog>
  );
}

export function RenameJob({ job }: { job: Job }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button onClick={() => setOpen(true)}>
        <FolderInput aria-hidden /> Rename
      </Button>
      <MoveDialog key={job.etag} job={job} open={open} onOpenChange={setOpen} namespace={job.namespace} />
    </>
  );
}
