import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { membersQuery } from "@/client/queries";
import { tenancy } from "@/client/tenancy";
import { ActionError } from "@/components/domain/query-error";
import { Confirm } from "@/components/ui/dialog";
import { Message } from "@/components/ui/message";
import { Select } from "@/components/ui/select";
import { toast } from "@/components/ui/toast";
import { useRefreshSession, useSession } from "@/lib/session";

type Props = { open: boolean; onOpenChange: (open: boolean) => void };

export function TransferTenant({ open, onOpenChange }: Props) {
  const { tenant, user } = useSession();
  const queries = useQueryClient();
  const refresh = useRefreshSession();
  const [chosen, setChosen] = useState("");
  const members = useInfiniteQuery({ ...membersQuery, enabled: open });
  const others = (members.data?.pages.flatMap((page) => page.items) ?? []).filter(
    ({ user_id }) => user_id !== user.id,
  );
  const transfer = useMutation({
    mutationFn: () => tenancy.transfer(chosen),
    onSuccess: async () => {
      toast.ok(`${tenant.name} has a new owner`, "You are an admin now.");
      onOpenChange(false);
      void queries.invalidateQueries({ queryKey: membersQuery.queryKey });
      await refresh();
    },
  });
  return (
    <Confirm
      open={open}
      onOpenChange={onOpenChange}
      title={`Hand ${tenant.name} over?`}
      confirm="Transfer"
      busy={transfer.isPending}
      disabled={!chosen}
      onConfirm={() => transfer.mutate()}
      body={
        <div className="flex flex-col gap-4">
          <ActionError error={transfer.error ?? members.error} />
          {members.isSuccess && others.length === 0 ? (
            <Message tone="info" title="Nobody else is a member yet">
              Invite them first.
            </Message>
          ) : (
            <div className="flex flex-col gap-1.5">
              <span className="font-medium text-sm">New owner</span>
              <Select
                label="New owner"
                value={chosen}
                options={[
                  { value: "", label: "Choose a member" },
                  ...others.map(({ user_id, username, email }) => ({
                    value: user_id,
                    label: `${username} – ${email}`,
                  })),
                ]}
                onChange={setChosen}
              />
            </div>
          )}
        </div>
      }
    >
      They may then do everything here, also delete it. You become an admin and cannot take this back.
    </Confirm>
  );
}
