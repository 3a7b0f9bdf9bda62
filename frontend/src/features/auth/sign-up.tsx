import { zodResolver } from "@hookform/resolvers/zod";
import { Link } from "@tanstack/react-router";
import { useForm } from "react-hook-form";
import { api } from "@/client/api";
import { isProblem, type Problem } from "@/client/problem";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Field, Input } from "@/components/ui/field";
import { type Infer, z } from "@/lib/zod";
import { useEnter } from "./enter";
import { AuthFrame } from "./frame";
import { PasswordInput } from "./password";

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

export function SignUpPage() {
  const form = useForm({
    resolver: zodResolver(schema),
    defaultValues: { username: "", email: "", password: "" },
  });
  const enter = useEnter(api.register);
  const server = isProblem(enter.error) ? fieldErrors(enter.error) : {};
  const placed = Object.keys(server).length > 0;
  const error = (field: keyof Form) => form.formState.errors[field]?.message ?? server[field];
  const username = form.watch("username").trim();
  return (
    <AuthFrame
      title="Create your account"
      lead="You get a tenant and a Git repository of your own."
      foot={
        <>
          Already have an account?{" "}
          <Link to="/sign-in" className="font-medium text-accent-text underline-offset-2 hover:underline">
            Sign in
          </Link>
        </>
      }
    >
      <form
        noValidate
        className="flex flex-col gap-4"
        onSubmit={form.handleSubmit((body) => enter.mutate(body))}
      >
        {!placed && <ActionError error={enter.error} />}
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
        <Field label="Email" error={error("email")} hint="Alerts go here until you add other channels.">
          <Input type="email" autoComplete="email" {...form.register("email")} />
        </Field>
        <Field label="Password" error={error("password")} hint="10 characters or more.">
          <PasswordInput autoComplete="new-password" {...form.register("password")} />
        </Field>
        <Button type="submit" variant="primary" size="lg" busy={enter.isPending}>
          Create account
        </Button>
      </form>
    </AuthFrame>
  );
}
