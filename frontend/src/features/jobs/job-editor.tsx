import { Eye, GitCommitHorizontal } from "lucide-react";
import { lazy, type ReactNode, Suspense, useMemo, useState } from "react";
import { isProblem } from "@/client/problem";
import type { Job, ManifestError } from "@/client/types";
import { LeaveGuard } from "@/components/domain/leave-guard";
import { ManifestErrors } from "@/components/domain/manifest-errors";
import { readManifest } from "@/components/domain/manifest-text";
import { PreviewCard } from "@/components/domain/preview-card";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { Field, Input } from "@/components/ui/field";
import { Skeleton } from "@/components/ui/skeleton";
import { SaveConflict } from "./save-conflict";
import { errorsOf, isStale, type Save, usePreview, useSave } from "./saving";

const YamlEditor = lazy(() => import("@/components/domain/yaml-editor"));

export type JobEditorProps = {
  /** The text to start from, and to compare with. */
  original: string;
  /** The job being edited; a new one when left out. */
  job?: Job;
  aside?: ReactNode;
  onCancel: () => void;
};

function Refused({ error, onGo }: { error: unknown; onGo: (error: ManifestError) => void }) {
  if (isProblem(error) && error.errors.length > 0) {
    return (
      <ManifestErrors announce title="The server refused this manifest" errors={error.errors} onGo={onGo} />
    );
  }
  return <ActionError error={error} />;
}

/** The text, what is wrong with it, and the two things that can be done with it. */
function useEditor(original: string, job: Job | undefined) {
  const [text, setText] = useState(original);
  const [message, setMessage] = useState("");
  const reading = useMemo(() => readManifest(text), [text]);
  const save = useSave(job);
  const preview = usePreview();
  const { namespace, name } = job ?? reading;
  const edit: Save = {
    kind: "save",
    namespace,
    name,
    yaml: text,
    message: message.trim() || undefined,
    guard: job ? { etag: job.etag } : { mustBeNew: true },
  };
  const begin = (doing: typeof save | typeof preview, guard = edit.guard) => {
    save.reset();
    preview.reset();
    doing.mutate({ ...edit, guard });
  };
  const broken = reading.errors.length > 0;
  const answered = errorsOf(text, [save, preview]);
  return {
    ...{ text, setText, message, setMessage, reading, save, preview, begin, broken, namespace, name },
    errors: broken ? reading.errors : answered,
    changed: text !== original,
    /** The plan of this very text; an older one would mislead. */
    plan: preview.variables?.yaml === text ? preview.data : undefined,
    error: save.error ?? preview.error,
  };
}
type Editing = ReturnType<typeof useEditor>;

function Problems({
  editing,
  job,
  onGo,
}: {
  editing: Editing;
  job: Job | undefined;
  onGo: (error: ManifestError) => void;
}) {
  const { save, preview, error } = editing;
  const mine = save.variables ?? preview.variables;
  if (editing.broken) {
    return <ManifestErrors title="This is not YAML yet" errors={editing.reading.errors} onGo={onGo} />;
  }
  if (job && mine && isStale(error)) {
    return (
      <SaveConflict
        job={job}
        mine={{ ...mine, yaml: editing.text }}
        onOverwrite={(guard) => editing.begin(save, guard)}
      />
    );
  }
  return error ? <Refused error={error} onGo={onGo} /> : null;
}

function Actions({
  editing,
  job,
  onCancel,
}: {
  editing: Editing;
  job: Job | undefined;
  onCancel: () => void;
}) {
  const { namespace, name, save, preview, broken, changed } = editing;
  const readable = name !== "" && !broken;
  return (
    <div className="flex flex-col gap-3 md:flex-row md:items-end">
      <Field label="Commit message" aside="optional" className="md:flex-1">
        <Input
          placeholder={name ? `${job ? "Change" : "Add"} ${namespace}/${name}` : ""}
          value={editing.message}
          maxLength={500}
          onValueChange={editing.setMessage}
        />
      </Field>
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button disabled={!readable} busy={preview.isPending} onClick={() => editing.begin(preview)}>
          <Eye aria-hidden /> Preview changes
        </Button>
        <Button
          type="submit"
          variant="primary"
          disabled={!readable || (!changed && !!job)}
          busy={save.isPending}
        >
          <GitCommitHorizontal aria-hidden /> {job ? "Save" : "Create job"}
        </Button>
      </div>
    </div>
  );
}

export function JobEditor({ original, job, aside, onCancel }: JobEditorProps) {
  const [goTo, setGoTo] = useState<ManifestError | null>(null);
  const editing = useEditor(original, job);
  const { text, save, name, namespace, broken, changed, plan } = editing;
  const onGo = (error: ManifestError) => setGoTo({ ...error });
  const ready = name !== "" && !broken && (changed || !job);
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) editing.begin(save);
      }}
    >
      <LeaveGuard dirty={changed && !save.isPending && !save.isSuccess} />
      <Problems editing={editing} job={job} onGo={onGo} />
      <Card>
        <CardHeader
          title={
            <code className="break-all font-mono font-normal">
              {name ? `${namespace}/${name}.yaml` : "metadata.name is missing"}
            </code>
          }
          aside={aside}
        />
        <Suspense fallback={<Skeleton className="m-4 h-64" />}>
          <YamlEditor
            label="Manifest"
            value={text}
            onChange={editing.setText}
            errors={editing.errors}
            goTo={goTo}
          />
        </Suspense>
      </Card>
      <Actions editing={editing} job={job} onCancel={onCancel} />
      {plan && <PreviewCard plan={plan} onGo={onGo} onClose={() => editing.preview.reset()} />}
      <p className="text-subtle text-xs">
        Saving commits the file to your repository{job ? "" : " and the job is in force at once"}. In the
        editor, Tab indents; press Escape, then Tab, to leave it.
      </p>
    </form>
  );
}
