import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { api } from "@/client/api";
import { isProblem, type Problem } from "@/client/problem";
import type { Session } from "@/client/types";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Field, Input } from "@/components/ui/field";
import { PasswordInput } from "@/components/ui/password";
import { type Infer, z } from "@/lib/zod";

const schema = z.object({
  username: z
    .string()
    .trim()
    .min(2, "At least 2 characters.")
    .max(40, "At most 40 characters.")
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "Lower-case letters, digits and inner hyphens only."),
  email: z.email("Enter an email address, such as you@example.com."),
  password: z.string().min(10, "At least 10 characters."),
});
type Form = Infer<typeof schema>;

const FIELD_CODES: Record<string, keyof Form> = {
  username_taken: "username",
  invalid_username: "username",
  reserved_username: "username",
  email_taken: "email",
  invalid_email: "email",
  invitation_address: "email",
  weak_password: "password",
};

/** The field a problem is about, by its code or by the path the server names. */
function fieldErrors(problem: Problem): Partial<Form> {
  const byCode = FIELD_CODES[problem.code];
  if (byCode) return { [byCode]: problem.message };
  const found: Partial<Form> = {};
  for (const { path, message } of problem.errors) {
    const field = (["username", "email", "password"] as const).find((name) =>
      path?.split(/[./]/).includes(name),
    );
    if (field) found[field] ??= message;
  }
  return found;
}

type Props = {
  /** The link proves its address, and no other. */
  invitation?: { token: string; email: string };
  onEnter: (session: Session) => Promise<void>;
  /** The address has to be confirmed before the account can be used. */
  onMailed: (email: string) => void;
};

export function RegisterForm({ invitation, onEnter, onMailed }: Props) {
  const form = useForm({
    resolver: zodResolver(schema),
    defaultValues: { username: "", email: invitation?.email ?? "", password: "" },
  });
  const register = useMutation({
    mutationFn: (body: Form) =>
      api.register({ ...body, ...(invitation ? { invitation: invitation.token } : {}) }),
    onSuccess: async (answer, body) => {
      if ("user" in answer) await onEnter(answer);
      else onMailed(body.email);
    },
  });
  const server = isProblem(register.error) ? fieldErrors(register.error) : {};
  const placed = Object.keys(server).length > 0;
  const error = (field: keyof Form) => form.formState.errors[field]?.message ?? server[field];
  const username = form.watch("username").trim();
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={form.handleSubmit((body) => register.mutate(body))}
    >
      {!placed && <ActionError error={register.error} />}
      <Field
        label="Username"
        error={error("username")}
        hint={
          <>
            Your repository will be{" "}
            <code className="break-all font-mono">crontopus/job-manifests-{username || "…"}</code>
          </>
        }
      >
        <Input
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          {...form.register("username")}
        />
      </Field>
      <Field
        label="Email"
        error={error("email")}
        hint={invitation ? "The invitation was sent here." : "Alerts go here until you add other channels."}
      >
        <Input
          type="email"
          autoComplete="email"
          readOnly={invitation !== undefined}
          className={invitation && "bg-sunken text-muted"}
          {...form.register("email")}
        />
      </Field>
      <Field label="Password" error={error("password")} hint="10 characters or more.">
        <PasswordInput autoComplete="new-password" {...form.register("password")} />
      </Field>
      <Button type="submit" variant="primary" size="lg" busy={register.isPending}>
        Create account
      </Button>
    </form>
  );
}
