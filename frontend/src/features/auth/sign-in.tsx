import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { api } from "@/client/api";
import { isProblem } from "@/client/problem";
import { authOptionsQuery } from "@/client/queries";
import { Button } from "@/components/ui/button";
import { Field, Input } from "@/components/ui/field";
import { PasswordInput } from "@/components/ui/password";
import { type Infer, z } from "@/lib/zod";
import { CodeStep } from "./code-step";
import { useEnter } from "./enter";
import { AuthFrame, ToForgotten, ToSignUp } from "./frame";
import { SignInError, SignOnError } from "./sign-in-error";
import { SignOn } from "./sign-on";

const schema = z.object({
  login: z.string().trim().min(1, "Enter your username or email."),
  password: z.string().min(1, "Enter your password."),
});
type Credentials = Infer<typeof schema>;

type Props = {
  redirectTo: string | undefined;
  /** Why single sign-on led back here. */
  signOnError: string | undefined;
};

export function SignInPage({ redirectTo, signOnError }: Props) {
  /** The password was right; a code is wanted as well. */
  const [known, setKnown] = useState<Credentials | null>(null);
  const options = useQuery(authOptionsQuery).data;
  const enter = useEnter(redirectTo);
  if (known) {
    return <CodeStep credentials={known} onEnter={enter} onBack={() => setKnown(null)} />;
  }
  return (
    <AuthFrame
      title="Sign in"
      lead="See what your jobs are up to."
      foot={
        options?.registration === "closed" || options?.registration === "invite" ? (
          "New accounts are made by invitation or by whoever runs this Crontopus."
        ) : (
          <>
            No account yet? <ToSignUp />
          </>
        )
      }
    >
      {signOnError && <SignOnError code={signOnError} />}
      {options?.sso && <SignOn name={options.sso.name} redirectTo={redirectTo} />}
      <PasswordForm onEnter={enter} onCode={setKnown} />
    </AuthFrame>
  );
}

type FormProps = { onEnter: ReturnType<typeof useEnter>; onCode: (credentials: Credentials) => void };

function PasswordForm({ onEnter, onCode }: FormProps) {
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { login: "", password: "" } });
  const login = useMutation({
    mutationFn: (body: Credentials) => api.login(body),
    onSuccess: onEnter,
    onError: (error, body) => {
      if (isProblem(error) && error.code === "second_factor_required") onCode(body);
    },
  });
  const { errors } = form.formState;
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={form.handleSubmit((body) => login.mutate(body))}
    >
      {login.error && <SignInError error={login.error} login={login.variables?.login ?? ""} />}
      <Field label="Username or email" error={errors.login?.message}>
        <Input autoComplete="username" autoCapitalize="none" spellCheck={false} {...form.register("login")} />
      </Field>
      <Field label="Password" error={errors.password?.message} aside={<ToForgotten />}>
        <PasswordInput autoComplete="current-password" {...form.register("password")} />
      </Field>
      <Button type="submit" variant="primary" size="lg" busy={login.isPending}>
        Sign in
      </Button>
    </form>
  );
}
