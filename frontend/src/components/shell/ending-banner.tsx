import { useMutation } from "@tanstack/react-query";
import { tenancy } from "@/client/tenancy";
import { explain } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Message } from "@/components/ui/message";
import { Time } from "@/components/ui/time";
import { toast } from "@/components/ui/toast";
import { formatExact } from "@/lib/format";
import { useMay, useRefreshSession, useSession } from "@/lib/session";

/** Over every page of a tenant that is going to be deleted. */
export function EndingBanner() {
  const { tenant } = useSession();
  const owner = useMay("tenant:owner");
  const refresh = useRefreshSession();
  const restore = useMutation({
    mutationFn: tenancy.restore,
    onSuccess: async () => {
      toast.ok(`${tenant.name} is restored`);
      await refresh();
    },
    onError: (error) => toast.bad("Could not restore the tenant", explain(error).detail),
  });
  if (!tenant.delete_at) return null;
  return (
    <Message
      tone="warn"
      className="mb-5 flex-wrap"
      title={
        <>
          {tenant.name} will be deleted <Time at={tenant.delete_at} />
        </>
      }
      actions={
        owner && (
          <Button busy={restore.isPending} onClick={() => restore.mutate()}>
            Restore
          </Button>
        )
      }
    >
      Everything works until {formatExact(tenant.delete_at)}; then all of it is removed for good.
      {!owner && " An owner can restore it until then."}
    </Message>
  );
}
