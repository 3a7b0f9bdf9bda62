import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { tenancy } from "@/client/tenancy";
import { ActionError } from "@/components/domain/query-error";
import { Confirm } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { useRefreshSession, useSession } from "@/lib/session";

type Props = { open: boolean; onOpenChange: (open: boolean) => void };

export function DeleteTenant({ open, onOpenChange }: Props) {
  const { tenant } = useSession();
  const refresh = useRefreshSession();
  const [typed, setTyped] = useState("");
  if (!open && typed) setTyped("");
  const remove = useMutation({
    mutationFn: () => tenancy.delete(typed),
    onSuccess: async () => {
      onOpenChange(false);
      await refresh();
    },
  });
  return (
    <Confirm
      open={open}
      onOpenChange={onOpenChange}
      title={`Delete ${tenant.name}?`}
      confirm="Delete tenant"
      busy={remove.isPending}
      disabled={typed !== tenant.slug}
      onConfirm={() => remove.mutate()}
      focusBody
      body={
        <div className="flex flex-col gap-4">
          <ActionError error={remove.error} />
          <Field
            label={`Type ${tenant.slug} to confirm`}
            hint="Agents stop getting changes when it is gone; the entries in their crontabs stay."
          >
            <Input
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
          </Field>
        </div>
      }
    >
      It works on for some days, and an owner can restore it until then. After that its jobs, runs, endpoints,
      tokens and its repository are removed for good.
    </Confirm>
  );
}
