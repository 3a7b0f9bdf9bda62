import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation } from "@tanstack/react-query";
import { MailOpen } from "lucide-react";
import { useForm } from "react-hook-form";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Field, Input } from "@/components/ui/field";
import { z } from "@/lib/zod";
import { AuthFrame, ToSignIn } from "./frame";

const schema = z.object({ email: z.email("Enter an email address, such as you@example.com.") });

type Props = {
  title: string;
  lead: string;
  action: string;
  ask: (email: string) => Promise<unknown>;
  /** True whether or not there is such an account: nothing here tells. */
  sent: string;
};

export function AskByEmail({ title, lead, action, ask, sent }: Props) {
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { email: "" } });
  const asking = useMutation({ mutationFn: ({ email }: { email: string }) => ask(email) });
  const foot = <ToSignIn>Back to sign-in</ToSignIn>;
  if (asking.isSuccess) {
    return (
      <AuthFrame title="Check your mail" foot={foot}>
        <div role="status" className="flex flex-col gap-3 text-sm">
          <MailOpen aria-hidden className="size-8 text-accent-text" strokeWidth={1.5} />
          <p>{sent}</p>
          <p className="text-muted">Nothing there after some minutes? Look into the spam folder.</p>
        </div>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title={title} lead={lead} foot={foot}>
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={form.handleSubmit((body) => asking.mutate(body))}
      >
        <ActionError error={asking.error} />
        <Field label="Email" error={form.formState.errors.email?.message}>
          <Input type="email" autoComplete="email" {...form.register("email")} />
        </Field>
        <Button type="submit" variant="primary" size="lg" busy={asking.isPending}>
          {action}
        </Button>
      </form>
    </AuthFrame>
  );
}
