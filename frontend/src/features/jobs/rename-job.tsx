import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { FolderInput } from "lucide-react";
import { useId, useState } from "react";
import type { JobEdit } from "@/client/edits";
import { namespacesQuery } from "@/client/queries";
import type { Job } from "@/client/types";
import { EditDialog } from "@/components/domain/edit-dialog";
import { useUndoable } from "@/components/domain/edit-job";
import { Button } from "@/components/ui/button";
import { Field, Input, TextArea } from "@/components/ui/field";
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

/** The part of a manifest that adoption looks at. */
type Found = { spec?: { command?: string }; metadata?: { annotations?: Record<string, string> } };

const REMOVED = "[REDACTED]";

/** The command of a found job, in full, where secrets were taken out of it before it left its machine. */
function CommandField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <Field
      label="Command"
      hint="Secrets were taken out of it on the machine. Give it in full, and keep the secret in a file there: everyone who reads the repository reads this."
      error={value.trim() && !value.includes(REMOVED) ? undefined : `Replace ${REMOVED}.`}
      className="mt-4"
    >
      <TextArea
        rows={3}
        value={value}
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
      />
    </Field>
  );
}

/** Moves a job to another address; with `adopt` one that was found on a machine, which then follows its file. */
export function MoveDialog({ job, open, onOpenChange, namespace, adopt = false }: DialogProps) {
  const [to, setTo] = useState<Address>({ namespace, name: job.name });
  // Each letter would otherwise ask the server what moving there would do.
  const settled = useSettled(to);
  const found = job.manifest as Found;
  const [command, setCommand] = useState(found.spec?.command ?? "");
  const settledCommand = useSettled(command);
  const incomplete = adopt && "crontopus.dev/redacted" in (found.metadata?.annotations ?? {});
  const navigate = useNavigate();
  const undoable = useUndoable();
  const from = { namespace: job.namespace, name: job.name };
  const valid = settled === to && NAME.test(to.namespace) && NAME.test(to.name);
  const elsewhere = to.namespace !== from.namespace || to.name !== from.name;
  const complete =
    !incomplete || (settledCommand === command && !!command.trim() && !command.includes(REMOVED));
  const edit: JobEdit = adopt
    ? { kind: "adopt", ...from, to, etag: job.etag, command: incomplete ? command : undefined }
    : { kind: "rename", ...from, to, etag: job.etag };
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
      edit={valid && elsewhere && complete ? edit : null}
      form={
        <>
          <AddressForm value={to} onChange={setTo} />
          {incomplete && <CommandField value={command} onChange={setCommand} />}
        </>
      }
      openDiff={false}
      onDone={done}
    >
      {adopt
        ? "It becomes a job like any other, in the namespace you choose. On its machine it takes the place of the entry it was found as, in one step; `crontopus-agent adopt --undo` there takes that back."
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
