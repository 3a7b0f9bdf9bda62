import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useBlocker, useNavigate } from "@tanstack/react-router";
import { GitCommitHorizontal } from "lucide-react";
import { lazy, type ReactNode, Suspense, useMemo, useState } from "react";
import { api, type SaveGuard } from "@/client/api";
import { isProblem } from "@/client/problem";
import { editJobQuery, jobQuery } from "@/client/queries";
import type { Job, ManifestError } from "@/client/types";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { Confirm } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { Message } from "@/components/ui/message";
import { Skeleton } from "@/components/ui/skeleton";
import { toast } from "@/components/ui/toast";
import { readManifest } from "./document";
import { ManifestErrors } from "./manifest-errors";

const YamlEditor = lazy(() => import("./yaml-editor"));
const NONE: ManifestError[] = [];

export type JobEditorProps = {
  /** The text to start from, and to compare with. */
  original: string;
  /** The job being edited; a new one when left out. */
  job?: Job;
  aside?: ReactNode;
  onCancel: () => void;
};

type Save = { namespace: string; name: string; yaml: string; guard: SaveGuard; message: string };

function useSave(job: Job | undefined) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ namespace, name, yaml, guard, message }: Save) =>
      api.saveJob(namespace, name, yaml, guard, message.trim() || undefined),
    onSuccess: async (saved) => {
      const { namespace, name } = saved;
      queries.setQueryData(jobQuery(namespace, name).queryKey, saved);
      await navigate({ to: "/jobs/$namespace/$name", params: { namespace, name }, ignoreBlocker: true });
      toast.ok(`${namespace}/${name} is ${job ? "saved" : "created"}`, `Commit ${saved.commit.slice(0, 7)}`);
      void queries.invalidateQueries({ queryKey: ["jobs"] });
    },
  });
}

function Refused({
  error,
  onGo,
  job,
}: {
  error: unknown;
  onGo: (error: ManifestError) => void;
  job: Job | undefined;
}) {
  const queries = useQueryClient();
  if (isProblem(error) && error.errors.length > 0) {
    return (
      <ManifestErrors announce title="The server refused this manifest" errors={error.errors} onGo={onGo} />
    );
  }
  if (job && isProblem(error) && (error.code === "stale_etag" || error.status === 412)) {
    const reload = () =>
      void queries.invalidateQueries({ queryKey: editJobQuery(job.namespace, job.name).queryKey });
    return (
      <Message
        tone="warn"
        announce
        title="This job was changed in Git since you opened it"
        actions={<Button onClick={reload}>Take the new version</Button>}
      >
        Copy what you want to keep first: the new version replaces your text.
      </Message>
    );
  }
  return <ActionError error={error} />;
}

function LeaveGuard({ dirty }: { dirty: boolean }) {
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

function target(job: Job | undefined, reading: { namespace: string; name: string }) {
  return job
    ? { namespace: job.namespace, name: job.name }
    : { namespace: reading.namespace, name: reading.name };
}

export function JobEditor({ original, job, aside, onCancel }: JobEditorProps) {
  const [text, setText] = useState(original);
  const [message, setMessage] = useState("");
  const [goTo, setGoTo] = useState<ManifestError | null>(null);
  const reading = useMemo(() => readManifest(text), [text]);
  const save = useSave(job);
  const serverErrors = isProblem(save.error) && save.variables?.yaml === text ? save.error.errors : NONE;
  const errors = reading.errors.length > 0 ? reading.errors : serverErrors;
  const { namespace, name } = target(job, reading);
  const changed = text !== original;
  const ready = name !== "" && reading.errors.length === 0 && (changed || !job);
  const submit = () =>
    save.mutate({
      namespace,
      name,
      yaml: text,
      message,
      guard: job ? { etag: job.etag } : { mustBeNew: true },
    });
  const path = name ? `${namespace}/${name}.yaml` : "metadata.name is missing";
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) submit();
      }}
    >
      <LeaveGuard dirty={changed && !save.isPending && !save.isSuccess} />
      {reading.errors.length > 0 ? (
        <ManifestErrors
          title="This is not YAML yet"
          errors={reading.errors}
          onGo={(error) => setGoTo({ ...error })}
        />
      ) : (
        save.error && <Refused error={save.error} job={job} onGo={(error) => setGoTo({ ...error })} />
      )}
      <Card>
        <CardHeader title={<code className="font-mono font-normal">{path}</code>} aside={aside} />
        <Suspense fallback={<Skeleton className="m-4 h-64" />}>
          <YamlEditor label="Manifest" value={text} onChange={setText} errors={errors} goTo={goTo} />
        </Suspense>
      </Card>
      <div className="flex flex-col gap-3 md:flex-row md:items-end">
        <Field label="Commit message" aside="optional" className="md:flex-1">
          <Input
            placeholder={name ? `${namespace}/${name}: ${job ? "change" : "add"} job` : ""}
            value={message}
            maxLength={500}
            onValueChange={setMessage}
          />
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onCancel}>Cancel</Button>
          <Button type="submit" variant="primary" disabled={!ready} busy={save.isPending}>
            <GitCommitHorizontal aria-hidden /> {job ? "Save" : "Create job"}
          </Button>
        </div>
      </div>
      <p className="text-subtle text-xs">
        Saving commits the file to your repository{job ? "" : " and the job is in force at once"}. In the
        editor, Tab indents; press Escape, then Tab, to leave it.
      </p>
    </form>
  );
}
