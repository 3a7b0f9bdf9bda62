import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api } from "@/client/api";
import type { Endpoint } from "@/client/types";
import { explain } from "@/components/domain/query-error";
import { Confirm } from "@/components/ui/dialog";
import { toast } from "@/components/ui/toast";

/** For a machine that seems to be in use twice, once one of the two is gone. */
export function UnlockDialog({ endpoint, close }: { endpoint: Endpoint | null; close: () => void }) {
  const queries = useQueryClient();
  const unlock = useMutation({
    mutationFn: (id: string) => api.unlockEndpoint(id),
    onSuccess: async ({ name }) => {
      await queries.invalidateQueries({ queryKey: ["endpoints"] });
      toast.ok(`${name} is unlocked`, "The next machine that comes with its key goes on as it.");
    },
    onError: (error) =>
      toast.bad("Could not unlock the endpoint", explain(error).detail || explain(error).title),
    onSettled: close,
  });
  return (
    <Confirm
      open={endpoint !== null}
      onOpenChange={(open) => !open && close()}
      title={`Unlock ${endpoint?.name ?? ""}?`}
      confirm="Unlock endpoint"
      variant="primary"
      busy={unlock.isPending}
      onConfirm={() => endpoint && unlock.mutate(endpoint.id)}
    >
      It seems to be in use twice, as when a machine was copied. Make sure that only one copy is left running
      its agent: the next to come with this endpoint’s key goes on as this endpoint, any other has to enrol
      anew.
    </Confirm>
  );
}
