import { useMutation } from "@tanstack/react-query";
import { useRouteContext } from "@tanstack/react-router";
import { tenancy } from "@/client/tenancy";
import { ActionError } from "@/components/domain/query-error";
import { Confirm } from "@/components/ui/dialog";
import { useSession } from "@/lib/session";

type Props = { open: boolean; onOpenChange: (open: boolean) => void };

export function LeaveTenant({ open, onOpenChange }: Props) {
  const { tenant } = useSession();
  const { signOut } = useRouteContext({ from: "__root__" });
  // The session goes with the membership: signing in again leads to another tenant of one's own.
  const leave = useMutation({ mutationFn: tenancy.leave, onSuccess: () => signOut() });
  return (
    <Confirm
      open={open}
      onOpenChange={onOpenChange}
      title={`Leave ${tenant.name}?`}
      confirm="Leave"
      busy={leave.isPending}
      onConfirm={() => leave.mutate()}
      body={leave.error ? <ActionError error={leave.error} /> : undefined}
    >
      Your API tokens of this tenant stop working, and you are signed out. Only an invitation brings you back.
    </Confirm>
  );
}
