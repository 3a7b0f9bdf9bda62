import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { doEdit, type JobEdit, planEdit } from "@/client/edits";
import { isProblem } from "@/client/problem";
import { jobQuery } from "@/client/queries";
import type { Job, ManifestError, Plan } from "@/client/types";
import { toast } from "@/components/ui/toast";
import { shortCommit } from "@/lib/format";

export type Save = Extract<JobEdit, { kind: "save" }>;

/** Commits the text, then shows the job. */
export function useSave(job: Job | undefined) {
  const navigate = useNavigate();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (save: Save) => doEdit(save),
    onSuccess: async (saved) => {
      const { namespace, name } = saved;
      queries.setQueryData(jobQuery(namespace, name).queryKey, saved);
      await navigate({ to: "/jobs/$namespace/$name", params: { namespace, name }, ignoreBlocker: true });
      toast.ok(`${namespace}/${name} is ${job ? "saved" : "created"}`, `Commit ${shortCommit(saved.commit)}`);
      void queries.invalidateQueries({ queryKey: ["jobs"] });
    },
  });
}

/** Works out what saving the text would do. */
export const usePreview = () => useMutation({ mutationFn: (save: Save) => planEdit(save) });

const NONE: ManifestError[] = [];

/** What the server last said is wrong with exactly this text. The same array until it says something else. */
export function errorsOf(
  text: string,
  tries: { error: unknown; variables: Save | undefined; data?: Job | Plan | undefined }[],
): ManifestError[] {
  for (const { error, variables, data } of tries) {
    if (variables?.yaml !== text) continue;
    if (isProblem(error) && error.errors.length > 0) return error.errors;
    if (data && "applicable" in data && data.errors.length > 0) return data.errors;
  }
  return NONE;
}

export const isStale = (error: unknown): boolean =>
  isProblem(error) && (error.code === "stale_etag" || error.status === 412);
