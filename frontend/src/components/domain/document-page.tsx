import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { type Collection, documents, editDocumentQuery } from "@/client/alerting";
import { isProblem } from "@/client/problem";
import type { RepositoryDocument } from "@/client/types";
import { PageNotFound, PagePending } from "@/components/shell/fallbacks";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { toast } from "@/components/ui/toast";
import { ActionError, QueryError } from "./query-error";

type Props = {
  collection: Collection;
  name: string;
  children: (document: RepositoryDocument) => ReactNode;
};

/** Has the file that an editor starts from. */
export function WithDocument({ collection, name, children }: Props) {
  const query = useQuery(editDocumentQuery(collection, name));
  if (query.data) return children(query.data);
  if (query.isPending) return <PagePending />;
  if (isProblem(query.error, 404)) return <PageNotFound />;
  return <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />;
}

type DeleteProps = { collection: Collection; name: string; onGone: () => Promise<void>; children: ReactNode };

/** Asks, and removes the file by a commit. */
export function DeleteDocument({ collection, name, onGone, children }: DeleteProps) {
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => documents.delete(collection, name),
    onSuccess: async () => {
      await onGone();
      toast.ok(`${name} is deleted`);
      void queries.invalidateQueries({ queryKey: ["jobs"] });
    },
  });
  return (
    <>
      <Button variant="dangerGhost" aria-label={`Delete ${name}`} onClick={() => setAsking(true)}>
        Delete
      </Button>
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title={`Delete ${name}?`}
        confirm="Delete"
        busy={remove.isPending}
        body={remove.error ? <ActionError error={remove.error} /> : undefined}
        onConfirm={() => remove.mutate()}
      >
        {children}
      </Confirm>
    </>
  );
}
