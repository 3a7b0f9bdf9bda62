import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Eye, GitCommitHorizontal } from "lucide-react";
import { lazy, type ReactNode, Suspense, useMemo, useState } from "react";
import { type Collection, type DocumentSave, documents, editDocumentQuery } from "@/client/alerting";
import { isProblem } from "@/client/problem";
import type { ManifestError, RepositoryDocument } from "@/client/types";
import { Button } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { Field, Input } from "@/components/ui/field";
import { Message } from "@/components/ui/message";
import { Skeleton } from "@/components/ui/skeleton";
import { LeaveGuard } from "./leave-guard";
import { ManifestErrors } from "./manifest-errors";
import { readManifest } from "./manifest-text";
import { PreviewCard } from "./preview-card";
import { ActionError } from "./query-error";

const YamlEditor = lazy(() => import("./yaml-editor"));
const FOLDERS: Record<Collection, string> = { routes: "routes", "maintenance-windows": "windows" };
const NONE: ManifestError[] = [];

type Props = {
  collection: Collection;
  /** The text to start from. */
  original: string;
  /** The one being edited; a new one when left out. */
  document?: RepositoryDocument;
  /** Fields that write into the text, and show what the server said is wrong with it. */
  form?: (text: string, setText: (text: string) => void, errors: ManifestError[]) => ReactNode;
  onSaved: (saved: RepositoryDocument) => Promise<void>;
  onCancel: () => void;
};

type Doing = { error: unknown; variables: DocumentSave | undefined };

/** What the server said is wrong with exactly this text. */
function errorsOf(text: string, tries: Doing[]): ManifestError[] {
  for (const { error, variables } of tries)
    if (variables?.yaml === text && isProblem(error) && error.errors.length > 0) return error.errors;
  return NONE;
}

function useEditing({ collection, original, document, onSaved }: Props) {
  const queries = useQueryClient();
  const [text, setText] = useState(original);
  const [message, setMessage] = useState("");
  const reading = useMemo(() => readManifest(text), [text]);
  const plan = useMutation({ mutationFn: documents.plan });
  const save = useMutation({
    mutationFn: documents.save,
    onSuccess: async (saved) => {
      await onSaved(saved);
      void queries.invalidateQueries({ queryKey: ["jobs"] });
    },
  });
  const broken = reading.errors.length > 0;
  const edit: DocumentSave = {
    collection,
    // An existing one keeps its address; a name that differs is for the server to refuse.
    name: document?.name ?? reading.name,
    yaml: text,
    message: message.trim() || undefined,
    etag: document?.etag,
  };
  return {
    ...{ text, setText, message, setMessage, reading, plan, save, broken },
    begin: (doing: typeof plan | typeof save) => {
      plan.reset();
      save.reset();
      doing.mutate(edit as never);
    },
    name: edit.name,
    errors: broken ? reading.errors : errorsOf(text, [save, plan]),
    changed: text !== original,
    ready: edit.name !== "" && !broken && (text !== original || !document),
    takeTheirs: () =>
      void queries.invalidateQueries({ queryKey: editDocumentQuery(collection, edit.name).queryKey }),
  };
}
type Editing = ReturnType<typeof useEditing>;

function Problems({ editing, onGo }: { editing: Editing; onGo: (error: ManifestError) => void }) {
  const { reading, broken, save, plan, errors, takeTheirs } = editing;
  if (broken) return <ManifestErrors title="This is not YAML yet" errors={reading.errors} onGo={onGo} />;
  const error = save.error ?? plan.error;
  if (errors.length > 0)
    return <ManifestErrors announce title="The server refused this" errors={errors} onGo={onGo} />;
  if (isProblem(error) && (error.code === "stale_etag" || error.status === 412)) {
    return (
      <Message
        tone="warn"
        announce
        title="It was changed since you opened it"
        actions={<Button onClick={takeTheirs}>Discard mine, take theirs</Button>}
      >
        Copy what you want to keep of yours first.
      </Message>
    );
  }
  return <ActionError error={error} />;
}

function Actions({ editing, isNew, onCancel }: { editing: Editing; isNew: boolean; onCancel: () => void }) {
  const { message, setMessage, plan, save, begin, ready } = editing;
  return (
    <div className="flex flex-col gap-3 md:flex-row md:items-end">
      <Field label="Commit message" aside="optional" className="md:flex-1">
        <Input value={message} maxLength={500} onValueChange={setMessage} />
      </Field>
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onCancel}>Cancel</Button>
        <Button disabled={!ready} busy={plan.isPending} onClick={() => begin(plan)}>
          <Eye aria-hidden /> Preview changes
        </Button>
        <Button type="submit" variant="primary" disabled={!ready} busy={save.isPending}>
          <GitCommitHorizontal aria-hidden /> {isNew ? "Create" : "Save"}
        </Button>
      </div>
    </div>
  );
}

/** A file of `.crontopus/` as text, beside a form for what is common. Both are the same text. */
export function DocumentEditor(props: Props) {
  const { collection, document, form, onCancel } = props;
  const [goTo, setGoTo] = useState<ManifestError | null>(null);
  const editing = useEditing(props);
  const { text, setText, save, plan, name, errors, changed, ready } = editing;
  const onGo = (error: ManifestError) => setGoTo({ ...error });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) editing.begin(save);
      }}
    >
      <LeaveGuard dirty={changed && !save.isPending && !save.isSuccess} />
      <Problems editing={editing} onGo={onGo} />
      <div className={form ? "grid items-start gap-4 lg:grid-cols-2" : undefined}>
        {form?.(text, setText, errors)}
        <Card>
          <CardHeader
            title={
              <code className="break-all font-mono font-normal">
                {name ? `.crontopus/${FOLDERS[collection]}/${name}.yaml` : "metadata.name is missing"}
              </code>
            }
          />
          <Suspense fallback={<Skeleton className="m-4 h-64" />}>
            <YamlEditor label="Manifest" value={text} onChange={setText} errors={errors} goTo={goTo} />
          </Suspense>
        </Card>
      </div>
      <Actions editing={editing} isNew={!document} onCancel={onCancel} />
      {plan.data && plan.variables.yaml === text && (
        <PreviewCard plan={plan.data} onGo={onGo} onClose={() => plan.reset()} />
      )}
      <p className="text-subtle text-xs">
        Saving commits the file to your repository. In the editor, Tab indents; press Escape, then Tab, to
        leave it.
      </p>
    </form>
  );
}
