import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { api } from "@/client/api";
import type { Job } from "@/client/types";
import { explain } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/dialog";
import { toast } from "@/components/ui/toast";

export function DeleteJob({ job }: { job: Job }) {
  const [open, setOpen] = useState(false);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const remove = useMutation({
    mutationFn: () => api.deleteJob(job.namespace, job.name),
    onSuccess: async () => {
      await navigate({ to: "/jobs" });
      toast.ok(`${job.namespace}/${job.name} is deleted`, "The commit can be reverted in Git.");
      void queries.invalidateQueries({ queryKey: ["jobs"] });
    },
    onError: (error) => {
      setOpen(false);
      toast.bad("Could not delete the job", explain(error).detail || explain(error).title);
    },
  });
  return (
    <>
      <Button variant="secondary" className="text-bad" onClick={() => setOpen(true)}>
        <Trash2 aria-hidden /> Delete
      </Button>
      <Confirm
        open={open}
        onOpenChange={setOpen}
        title={`Delete ${job.namespace}/${job.name}?`}
        confirm="Delete job"
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        A commit removes <code className="font-mono">{job.path}</code>.{" "}
        {job.mode === "agent"
          ? "Agents take it out of their schedulers within seconds."
          : "Its ping URL stops working."}{" "}
        The file stays in Git’s history.
      </Confirm>
    </>
  );
}
