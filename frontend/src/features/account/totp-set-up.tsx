import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { account } from "@/client/account";
import { isProblem } from "@/client/problem";
import type { TotpSecret } from "@/client/types";
import { ActionError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { Field, Input } from "@/components/ui/field";
import { PasswordInput } from "@/components/ui/password";
import { Secret } from "@/components/ui/secret";
import { z } from "@/lib/zod";
import { QrCode } from "./qr-code";
import { RecoveryCodes } from "./recovery-codes";

type Props = { open: boolean; onOpenChange: (open: boolean) => void; onChanged: () => void };

/** Password, then the app, then the codes for a day without the app. */
export function TotpSetUp({ open, onOpenChange, onChanged }: Props) {
  const [secret, setSecret] = useState<TotpSecret | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  if (!open && (secret || codes)) {
    setSecret(null);
    setCodes(null);
  }
  const confirmed = (recovery: string[]) => {
    setCodes(recovery);
    onChanged();
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      dismissible={!codes}
      title={codes ? "Your recovery codes" : "Set up two-step sign-in"}
      description={
        codes ? "Two-step sign-in is on." : secret ? "Step 2 of 2: your app" : "Step 1 of 2: it is you"
      }
    >
      {codes ? (
        <RecoveryCodes codes={codes} onDone={() => onOpenChange(false)} />
      ) : secret ? (
        <AppStep secret={secret} onConfirmed={confirmed} />
      ) : (
        <PasswordStep onSecret={setSecret} />
      )}
    </Dialog>
  );
}

const passwordSchema = z.object({ password: z.string().min(1, "Enter your password.") });

function PasswordStep({ onSecret }: { onSecret: (secret: TotpSecret) => void }) {
  const form = useForm({ resolver: zodResolver(passwordSchema), defaultValues: { password: "" } });
  const start = useMutation({
    mutationFn: ({ password }: { password: string }) => account.startTotp(password),
    onSuccess: onSecret,
  });
  const wrong = isProblem(start.error) && start.error.code === "wrong_password";
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={form.handleSubmit((body) => start.mutate(body))}
    >
      {!wrong && <ActionError error={start.error} />}
      <Field
        label="Your password"
        error={form.formState.errors.password?.message ?? (wrong ? "That is not your password." : undefined)}
      >
        <PasswordInput autoComplete="current-password" {...form.register("password")} />
      </Field>
      <div className="flex justify-end">
        <Button type="submit" variant="primary" busy={start.isPending}>
          Continue
        </Button>
      </div>
    </form>
  );
}

const codeSchema = z.object({ code: z.string().trim().min(6, "Enter the six digits.") });
type AppProps = { secret: TotpSecret; onConfirmed: (codes: string[]) => void };

function AppStep({ secret, onConfirmed }: AppProps) {
  const form = useForm({ resolver: zodResolver(codeSchema), defaultValues: { code: "" } });
  const confirm = useMutation({
    mutationFn: ({ code }: { code: string }) => account.confirmTotp(code),
    onSuccess: ({ recovery_codes }) => onConfirmed(recovery_codes),
  });
  const wrong = isProblem(confirm.error) && confirm.error.code === "invalid_code";
  const refused = wrong ? "This code is wrong. Is the clock of your phone right?" : undefined;
  return (
    <form
      noValidate
      className="flex flex-col gap-4"
      onSubmit={form.handleSubmit((body) => confirm.mutate(body))}
    >
      {!wrong && <ActionError error={confirm.error} />}
      <p className="text-muted text-sm">
        Scan this with an authenticator app. Without a camera, give the app the key below.
      </p>
      <QrCode text={secret.uri} label="QR code for your authenticator app" />
      <Secret label="Key" value={secret.secret} />
      <Field
        label="Code"
        error={form.formState.errors.code?.message ?? refused}
        hint="The six digits your app shows now."
      >
        <Input
          autoComplete="one-time-code"
          inputMode="numeric"
          className="font-mono tracking-widest"
          {...form.register("code")}
        />
      </Field>
      <div className="flex justify-end">
        <Button type="submit" variant="primary" busy={confirm.isPending}>
          Turn on
        </Button>
      </div>
    </form>
  );
}
