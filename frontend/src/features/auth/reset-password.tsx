import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheckBig } from "lucide-react";
import { useForm } from "react-hook-form";
import { account } from "@/client/account";
import { isProblem } from "@/client/problem";
import { sessionQuery } from "@/client/queries";
import { ActionError } from "@/components/domain/query-error";
import { Button, buttonVariants } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { PasswordInput } from "@/components/ui/password";
import { z } from "@/lib/zod";
import { AuthFrame, ToSignIn } from "./frame";

const schema = z.object({ password: z.string().min(10, "At least 10 characters.") });

const Done = () => (
  <AuthFrame title="Your password is changed">
    <div role="status" className="flex flex-col gap-4 text-sm">
      <CircleCheckBig aria-hidden className="size-8 text-ok" strokeWidth={1.5} />
      <p>You have been signed out everywhere. API tokens go on working.</p>
      <Link to="/sign-in" className={buttonVariants({ variant: "primary", size: "lg" })}>
        Sign in
      </Link>
    </div>
  </AuthFrame>
);

export function ResetPasswordPage({ token }: { token: string | undefined }) {
  const queryClient = useQueryClient();
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { password: "" } });
  const reset = useMutation({
    // Without a token the service says that the link was not copied whole.
    mutationFn: (body: { password: string }) => account.resetPassword({ token: token ?? "-", ...body }),
    onSuccess: () => queryClient.removeQueries({ queryKey: sessionQuery.queryKey }),
  });
  if (reset.isSuccess) return <Done />;
  const used = isProblem(reset.error) && reset.error.code === "invalid_link";
  return (
    <AuthFrame
      title="Set a new password"
      lead="All your sessions end; API tokens go on."
      foot={<ToSignIn>Back to sign-in</ToSignIn>}
    >
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={form.handleSubmit((body) => reset.mutate(body))}
      >
        <ActionError error={reset.error}>
          {used && (
            <>
              {" "}
              <Link to="/forgot-password" className="font-medium text-accent-text underline">
                Get another link
              </Link>
            </>
          )}
        </ActionError>
        <Field
          label="New password"
          error={form.formState.errors.password?.message}
          hint="10 characters or more."
        >
          <PasswordInput autoComplete="new-password" {...form.register("password")} />
        </Field>
        <Button type="submit" variant="primary" size="lg" busy={reset.isPending}>
          Set password
        </Button>
      </form>
    </AuthFrame>
  );
}
