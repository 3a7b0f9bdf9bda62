import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Controller, useForm } from "react-hook-form";
import { invitationsQuery } from "@/client/queries";
import { tenancy } from "@/client/tenancy";
import { type Invitation, ROLES } from "@/client/types";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import { toast } from "@/components/ui/toast";
import { useSession } from "@/lib/session";
import { type Infer, z } from "@/lib/zod";
import { LinkToHandOver } from "./invitation-link";
import { MEANINGS, rolesUpTo } from "./roles";

const schema = z.object({
  email: z.email("Enter an email address, such as you@example.com."),
  role: z.enum(ROLES),
});
type Form = Infer<typeof schema>;

export function Invite({ open, onOpenChange }: { open: boolean; onOpenChange: (open: boolean) => void }) {
  const [made, setMade] = useState<Invitation | null>(null);
  if (!open && made) setMade(null);
  const invited = (invitation: Invitation) => {
    if (invitation.link) {
      setMade(invitation);
    } else {
      toast.ok("Invitation sent", `To ${invitation.email}. It works for a week.`);
      onOpenChange(false);
    }
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      dismissible={!made}
      title={made ? "Hand over the link" : "Invite somebody"}
      description={made ? undefined : "They get an email with a link that works once, for a week."}
    >
      {made ? (
        <LinkToHandOver invitation={made} onDone={() => onOpenChange(false)} />
      ) : (
        <InviteForm onInvited={invited} />
      )}
    </Dialog>
  );
}

function InviteForm({ onInvited }: { onInvited: (invitation: Invitation) => void }) {
  const { tenant } = useSession();
  const queries = useQueryClient();
  const form = useForm<Form>({
    resolver: zodResolver(schema),
    defaultValues: { email: "", role: "viewer" },
  });
  const invite = useMutation({
    mutationFn: tenancy.invite,
    onSuccess: (invitation) => {
      onInvited(invitation);
      void queries.invalidateQueries({ queryKey: invitationsQuery.queryKey });
    },
  });
  const role = form.watch("role");
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={form.handleSubmit((body) => invite.mutate(body))}
    >
      <ActionError error={invite.error} />
      <Field label="Email" error={form.formState.errors.email?.message}>
        <Input type="email" autoComplete="off" {...form.register("email")} />
      </Field>
      <div className="flex flex-col gap-1.5">
        <span className="font-medium text-sm">Role</span>
        <Controller
          control={form.control}
          name="role"
          render={({ field }) => (
            <Select
              label="Role"
              value={field.value}
              options={rolesUpTo(tenant.role)}
              onChange={field.onChange}
            />
          )}
        />
        <p className="text-subtle text-xs">{MEANINGS[role]}</p>
      </div>
      <div className="flex justify-end">
        <Button type="submit" variant="primary" busy={invite.isPending}>
          Send invitation
        </Button>
      </div>
    </form>
  );
}
