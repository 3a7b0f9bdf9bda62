import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { doEdit, type JobEdit } from "@/client/edits";
import { toast } from "@/components/ui/toast";
import { explain } from "./query-error";

const refresh = (queries: QueryClient) => void queries.invalidateQueries({ queryKey: ["jobs"] });

export function sayFailed(title: string, error: unknown): void {
  const said = explain(error);
  toast.bad(title, said.detail || said.title);
}

/**
 * Does an edit. Whoever asks for it calls `refresh` when done: after leaving a page whose job is not there any
 * more, or that page would look for it once again.
 */
export function useJobEdit() {
  const queries = useQueryClient();
  const doing = useMutation({ mutationFn: (edit: JobEdit) => doEdit(edit) });
  return { doing, refresh: () => refresh(queries) };
}

type Undo = { title: string; detail: string; undo: JobEdit; undone: string; after?: () => void };

/** Says that something is done, with a button that does the opposite. Works after its page is gone. */
export function useUndoable() {
  const queries = useQueryClient();
  return ({ title, detail, undo, undone, after }: Undo) =>
    toast.undoable(title, detail, () => {
      doEdit(undo).then(
        () => {
          refresh(queries);
          after?.();
          toast.ok(undone);
        },
        (error: unknown) => sayFailed("Could not undo", error),
      );
    });
}
