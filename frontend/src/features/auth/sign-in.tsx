import { zodResolver } from "@hookform/resolvers/zod";
import { Link } from "@tanstack/react-router";
import { useForm } from "react-hook-form";
import { api } from "@/client/api";
import { isProblem } from "@/client/problem";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Field, Input } from "@/components/ui/field";
import { Message } from "@/components/ui/message";
import { z } from "@/lib/zod";
import { useEnter } from "./enter";
import { AuthFrame } from "./frame";
import { PasswordInput } from "./password";

const schema = z.object({
  login: z.string().trim().min(1, "Enter your username or email."),
  password: z.string().min(1, "Enter your password."),
});

function SignInError({ error }: { error: unknown }) {
  if (isProblem(error) && error.code === "invalid_credentials") {
    return (
      <Message tone="bad" title="Username or password is wrong" announce>
        Check both and try again. Passwords are case-sensitive.
      </Message>
    );
  }
  return <ActionError error={error} />;
}

export function SignInPage({ redirectTo }: { redirectTo: string | undefined }) {
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { login: "", password: "" } });
  const enter = useEnter(api.login, redirectTo);
  const { errors } = form.formState;
  return (
    <AuthFrame
      title="Sign in"
      lead="See what your jobs are up to."
      foot={
        <>
          No account yet?{" "}
          <Link to="/sign-up" className="font-medium text-accent-text underline-offset-2 hover:underline">
            Sign up
          </Link>
        </>
      }
    >
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={form.handleSubmit((body) => enter.mutate(body))}
      >
        {enter.error && <SignInError error={enter.error} />}
        <Field label="Username or email" error={errors.login?.message}>
          <Input
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            {...form.register("login")}
          />
        </Field>
        <Field label="Password" error={errors.password?.message}>
          <PasswordInput autoComplete="current-password" {...form.register("password")} />
        </Field>
        <Button type="submit" variant="primary" size="lg" busy={enter.isPending}>
          Sign in
        </Button>
      </form>
    </AuthFrame>
  );
}
