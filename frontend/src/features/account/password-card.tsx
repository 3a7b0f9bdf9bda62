import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { account } from "@/client/account";
import { isProblem } from "@/client/problem";
import { signInsQuery } from "@/client/queries";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { PasswordInput } from "@/components/ui/password";
import { toast } from "@/components/ui/toast";
import { useSession } from "@/lib/session";
import { z } from "@/lib/zod";
import { NoPassword } from "./no-password";

const schema = z.object({
  current: z.string().min(1, "Enter the password you have now."),
  new: z.string().min(10, "At least 10 characters."),
});

export function PasswordCard() {
  const { user } = useSession();
  return (
    <Card aria-label="Password">
      <CardHeader title="Password" />
      <CardBody>{user.has_password ? <ChangePassword /> : <NoPassword what="it" />}</CardBody>
    </Card>
  );
}

function ChangePassword() {
  const queries = useQueryClient();
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { current: "", new: "" } });
  const { errors } = form.formState;
  const change = useMutation({
    mutationFn: account.changePassword,
    onSuccess: () => {
      form.reset();
      toast.ok("Password changed", "You have been signed out everywhere else.");
      void queries.invalidateQueries({ queryKey: signInsQuery.queryKey });
    },
  });
  const wrong = isProblem(change.error) && change.error.code === "wrong_password";
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={form.handleSubmit((body) => change.mutate(body))}
    >
      {!wrong && <ActionError error={change.error} />}
      <Field
        label="Current password"
        error={errors.current?.message ?? (wrong ? "That is not your password." : undefined)}
      >
        <PasswordInput autoComplete="current-password" {...form.register("current")} />
      </Field>
      <Field
        label="New password"
        error={errors.new?.message}
        hint="10 characters or more. All your other sessions end; API tokens go on."
      >
        <PasswordInput autoComplete="new-password" {...form.register("new")} />
      </Field>
      <div>
        <Button type="submit" variant="primary" busy={change.isPending}>
          Change password
        </Button>
      </div>
    </form>
  );
}
