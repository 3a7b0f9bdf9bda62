import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { account } from "@/client/account";
import { isProblem } from "@/client/problem";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { PasswordInput } from "@/components/ui/password";
import { toast } from "@/components/ui/toast";
import { type Infer, z } from "@/lib/zod";
import { RecoveryCodes } from "./recovery-codes";

const schema = z.object({
  password: z.string().min(1, "Enter your password."),
  code: z.string().trim().min(6, "Enter the six digits, or a recovery code."),
});
type Proof = Infer<typeof schema>;

const KINDS = {
  disable: {
    title: "Turn off two-step sign-in?",
    lead: "From then on your password alone lets anybody in who knows it.",
    action: "Turn off",
  },
  renew: {
    title: "New recovery codes",
    lead: "The ones you have now stop working.",
    action: "Make new codes",
  },
} as const;

type Props = {
  kind: keyof typeof KINDS;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onChanged: () => void;
};

export function TotpChange({ kind, open, onOpenChange, onChanged }: Props) {
  const [codes, setCodes] = useState<string[] | null>(null);
  if (!open && codes) setCodes(null);
  const { title, lead } = KINDS[kind];
  const changed = (recovery: string[] | null) => {
    onChanged();
    if (recovery) {
      setCodes(recovery);
    } else {
      toast.ok("Two-step sign-in is off");
      onOpenChange(false);
    }
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      dismissible={!codes}
      title={codes ? "Your recovery codes" : title}
      description={codes ? "The old ones work no more." : lead}
    >
      {codes ? (
        <RecoveryCodes codes={codes} onDone={() => onOpenChange(false)} />
      ) : (
        <ProofForm kind={kind} onChanged={changed} />
      )}
    </Dialog>
  );
}

type FormProps = { kind: keyof typeof KINDS; onChanged: (codes: string[] | null) => void };

function ProofForm({ kind, onChanged }: FormProps) {
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { password: "", code: "" } });
  const change = useMutation({
    mutationFn: async (proof: Proof) => {
      if (kind === "renew") return (await account.renewRecoveryCodes(proof)).recovery_codes;
      await account.disableTotp(proof);
      return null;
    },
    onSuccess: onChanged,
  });
  const code = isProblem(change.error) ? change.error.code : undefined;
  const { errors } = form.formState;
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={form.handleSubmit((body) => change.mutate(body))}
    >
      {code !== "wrong_password" && code !== "invalid_code" && <ActionError error={change.error} />}
      <Field
        label="Your password"
        error={
          errors.password?.message ?? (code === "wrong_password" ? "That is not your password." : undefined)
        }
      >
        <PasswordInput autoComplete="current-password" {...form.register("password")} />
      </Field>
      <Field
        label="Code"
        error={
          errors.code?.message ??
          (code === "invalid_code" ? "This code is wrong or was used already." : undefined)
        }
        hint="From your app, or a recovery code."
      >
        <Input
          autoComplete="one-time-code"
          autoCapitalize="none"
          spellCheck={false}
          className="font-mono tracking-widest"
          {...form.register("code")}
        />
      </Field>
      <div className="flex justify-end">
        <Button type="submit" variant={kind === "disable" ? "danger" : "primary"} busy={change.isPending}>
          {KINDS[kind].action}
        </Button>
      </div>
    </form>
  );
}
