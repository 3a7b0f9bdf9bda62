import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation } from "@tanstack/react-query";
import { CircleAlert, CircleCheck } from "lucide-react";
import { useForm } from "react-hook-form";
import { account } from "@/client/account";
import { isProblem } from "@/client/problem";
import { ActionError } from "@/components/domain/query-error";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardBody, CardHeader } from "@/components/ui/card";
import { Field, Input } from "@/components/ui/field";
import { Message } from "@/components/ui/message";
import { Facts } from "@/components/ui/page";
import { PasswordInput } from "@/components/ui/password";
import { useSession } from "@/lib/session";
import { z } from "@/lib/zod";
import { NoPassword } from "./no-password";

export function Profile() {
  const { user, tenants } = useSession();
  return (
    <div className="grid items-start gap-5 lg:grid-cols-2">
      <Card aria-label="Profile">
        <CardHeader title="Profile" />
        <CardBody>
          <Facts
            items={[
              { label: "Username", value: user.username },
              {
                label: "Email",
                value: (
                  <span className="inline-flex flex-wrap items-center justify-end gap-2">
                    <span className="break-all">{user.email}</span>
                    {user.email_verified ? (
                      <Badge tone="ok" icon={<CircleCheck aria-hidden />}>
                        confirmed
                      </Badge>
                    ) : (
                      <Badge tone="warn" icon={<CircleAlert aria-hidden />}>
                        not confirmed
                      </Badge>
                    )}
                  </span>
                ),
              },
              {
                label: "Member of",
                value: tenants.map(({ name, role }) => (
                  <span key={name} className="block">
                    {name} <span className="text-subtle">({role})</span>
                  </span>
                )),
              },
            ]}
          />
        </CardBody>
      </Card>
      <Card aria-label="Change email">
        <CardHeader title="Change email" />
        <CardBody>{user.has_password ? <ChangeEmail /> : <NoPassword what="your address" />}</CardBody>
      </Card>
    </div>
  );
}

const schema = z.object({
  email: z.email("Enter an email address, such as you@example.com."),
  password: z.string().min(1, "Enter your password."),
});

function ChangeEmail() {
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { email: "", password: "" } });
  const { errors } = form.formState;
  const change = useMutation({ mutationFn: account.changeEmail, onSuccess: () => form.reset() });
  const wrong = isProblem(change.error) && change.error.code === "wrong_password";
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={form.handleSubmit((body) => change.mutate(body))}
    >
      {change.isSuccess && (
        <Message tone="info" title="Check your mail" announce>
          We wrote to {change.variables.email}. The address changes when you open the link in that message.
        </Message>
      )}
      {!wrong && <ActionError error={change.error} />}
      <Field
        label="New email"
        error={errors.email?.message}
        hint="It takes the place of the old one once you open the link we send to it."
      >
        <Input type="email" autoComplete="email" {...form.register("email")} />
      </Field>
      <Field
        label="Your password"
        error={errors.password?.message ?? (wrong ? "That is not your password." : undefined)}
      >
        <PasswordInput autoComplete="current-password" {...form.register("password")} />
      </Field>
      <div>
        <Button type="submit" variant="primary" busy={change.isPending}>
          Change email
        </Button>
      </div>
    </form>
  );
}
