import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Eye } from "lucide-react";
import { useState } from "react";
import { api } from "@/client/api";
import type { ImportBody, Imported, ImportKind } from "@/client/types";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card, CardBody } from "@/components/ui/card";
import { crumbClass, PageHeader } from "@/components/ui/page";
import { toast } from "@/components/ui/toast";
import { plural, shortCommit } from "@/lib/format";
import { bodyOf, ImportForm, NOTHING_WANTED, type Wanted, wrongIn } from "./import-form";
import { ImportPreview } from "./import-preview";
import { isEmpty, type Source } from "./source";
import { SourceInput } from "./source-input";

function useImport() {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const preview = useMutation({ mutationFn: api.planImport });
  const add = useMutation({
    mutationFn: api.importJobs,
    onSuccess: async (done: Imported, { namespace }: ImportBody) => {
      void queries.invalidateQueries({ queryKey: ["jobs"] });
      await navigate({ to: "/jobs", search: { namespace } });
      const commit = done.commit ? `In one commit, ${shortCommit(done.commit)}.` : undefined;
      toast.ok(`${plural(done.jobs.length, "job")} added`, commit);
    },
  });
  return { preview, add };
}

/** Jobs from what a machine has: looked at first, then added as one commit. */
export function ImportPage() {
  const [source, setSource] = useState<Source>({ text: "" });
  const [wanted, setWanted] = useState<Wanted>(NOTHING_WANTED);
  const [tried, setTried] = useState(false);
  const { preview, add } = useImport();
  const wrong = wrongIn(wanted);
  const nothing = isEmpty(source);
  // A preview of something else would mislead.
  const changed = () => {
    preview.reset();
    add.reset();
  };
  const onSource = (next: Source, kind: ImportKind | null) => {
    setSource(next);
    if (kind) setWanted((before) => ({ ...before, kind }));
    changed();
  };
  const onWanted = (next: Wanted) => {
    setWanted(next);
    changed();
  };
  const look = () => {
    setTried(true);
    if (!nothing && Object.keys(wrong).length === 0) preview.mutate(bodyOf(source, wanted));
  };
  return (
    <>
      <PageHeader
        crumbs={
          <Link to="/jobs" className={crumbClass}>
            Jobs
          </Link>
        }
        title="Import jobs"
      >
        From a crontab or the Windows Task Scheduler. You see every job before it is added.
      </PageHeader>
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          look();
        }}
      >
        <Card>
          <CardBody className="grid gap-6 lg:grid-cols-[minmax(0,1fr)_18rem]">
            <SourceInput
              source={source}
              error={tried && nothing ? "Paste a crontab, or choose a file." : undefined}
              onChange={onSource}
            />
            <ImportForm value={wanted} wrong={wrong} onChange={onWanted} />
          </CardBody>
          <div className="flex justify-end border-line border-t px-4 py-3">
            <Button type="submit" variant={preview.data ? "secondary" : "primary"} busy={preview.isPending}>
              <Eye aria-hidden /> Preview jobs
            </Button>
          </div>
        </Card>
      </form>
      <div className="mt-4 flex flex-col gap-4">
        <ActionError error={preview.error} />
        {preview.data && (
          <ImportPreview
            found={preview.data}
            busy={add.isPending}
            error={add.error}
            onAdd={() => preview.variables && add.mutate(preview.variables)}
          />
        )}
      </div>
    </>
  );
}
