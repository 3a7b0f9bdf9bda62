import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api } from "@/client/api";
import { isProblem } from "@/client/problem";
import type { LoginBody, Session } from "@/client/types";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Field, Input } from "@/components/ui/field";
import { z } from "@/lib/zod";
import { AuthFrame } from "./frame";

const schema = z.object({
  code: z.string().trim().min(6, "Enter the six digits, or a recovery code."),
});

type Props = {
  credentials: Pick<LoginBody, "login" | "password">;
  onEnter: (session: Session) => Promise<void>;
  onBack: () => void;
};

/** The second step, for those who have turned it on. */
export function CodeStep({ credentials, onEnter, onBack }: Props) {
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { code: "" } });
  const login = useMutation({
    mutationFn: ({ code }: { code: string }) => api.login({ ...credentials, code }),
    onSuccess: onEnter,
    onError: () => form.resetField("code"),
  });
  const wrong = isProblem(login.error) && login.error.code === "invalid_code";
  const refused = wrong ? "This code is wrong or was used already. Wait for the next one." : undefined;
  return (
    <AuthFrame
      title="One more step"
      lead="Your account asks for a code from your authenticator app as well."
      foot={
        <button
          type="button"
          onClick={onBack}
          className="font-medium text-accent-text underline-offset-2 hover:underline"
        >
          Sign in as somebody else
        </button>
      }
    >
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={form.handleSubmit((body) => login.mutate(body))}
      >
        {!wrong && <ActionError error={login.error} />}
        <Field
          label="Code"
          error={form.formState.errors.code?.message ?? refused}
          hint="Without the app at hand, use one of your recovery codes."
        >
          <Input
            // This step is nothing but this field.
            autoFocus
            autoComplete="one-time-code"
            autoCapitalize="none"
            spellCheck={false}
            className="font-mono tracking-widest"
            {...form.register("code")}
          />
        </Field>
        <Button type="submit" variant="primary" size="lg" busy={login.isPending}>
          Continue
        </Button>
      </form>
    </AuthFrame>
  );
}
