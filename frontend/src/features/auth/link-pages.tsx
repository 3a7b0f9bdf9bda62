import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheckBig } from "lucide-react";
import type { ReactNode } from "react";
import { account } from "@/client/account";
import { sessionQuery } from "@/client/queries";
import { ActionError } from "@/components/domain/query-error";
import { Button, buttonVariants } from "@/components/ui/button";
import { AskByEmail } from "./ask-by-email";
import { AuthFrame, ToSignIn } from "./frame";

type LinkProps = { token: string | undefined };

type StepProps = {
  title: string;
  lead: string;
  action: string;
  done: ReactNode;
  run: (token: string) => Promise<unknown>;
  token: string;
};

/** A press and not the mere opening: mail scanners open links too, and each works once. */
export function OneStep({ title, lead, action, done, run, token }: StepProps) {
  const queryClient = useQueryClient();
  const step = useMutation({
    mutationFn: () => run(token),
    // Who is signed in may be told a new address.
    onSuccess: () => queryClient.removeQueries({ queryKey: sessionQuery.queryKey }),
  });
  if (step.isSuccess) {
    return (
      <AuthFrame title="Done">
        <div role="status" className="flex flex-col gap-4 text-sm">
          <CircleCheckBig aria-hidden className="size-8 text-ok" strokeWidth={1.5} />
          <p>{done}</p>
          <Link to="/sign-in" className={buttonVariants({ variant: "primary", size: "lg" })}>
            Go on
          </Link>
        </div>
      </AuthFrame>
    );
  }
  return (
    <AuthFrame title={title} lead={lead} foot={<ToSignIn>Back to sign-in</ToSignIn>}>
      <div className="flex flex-col gap-4">
        <ActionError error={step.error} />
        <Button variant="primary" size="lg" busy={step.isPending} onClick={() => step.mutate()}>
          {action}
        </Button>
      </div>
    </AuthFrame>
  );
}

export function VerifyEmailPage({ token }: LinkProps) {
  if (!token) {
    return (
      <AskByEmail
        title="Confirm your address"
        lead="We send you another link. The newest one works."
        action="Send a link"
        ask={account.resendVerification}
        sent="If there is an account waiting for its address to be confirmed, a link is on its way."
      />
    );
  }
  return (
    <OneStep
      title="Confirm your address"
      lead="One press, and your account is ready."
      action="Confirm"
      done="Your address is confirmed. You can sign in now."
      run={account.verifyEmail}
      token={token}
    />
  );
}

export function ConfirmEmailPage({ token }: LinkProps) {
  return (
    <OneStep
      title="Confirm your new address"
      lead="From then on it takes the place of the old one, for signing in and for messages."
      action="Use this address"
      done="Your account has its new address."
      run={account.confirmEmail}
      // Without a token the service says that the link was not copied whole.
      token={token ?? "-"}
    />
  );
}

export const ForgotPasswordPage = () => (
  <AskByEmail
    title="Forgotten password"
    lead="We send you a link that sets a new one."
    action="Send a link"
    ask={account.forgotPassword}
    sent="If there is an account with this address, a link is on its way. It works for an hour."
  />
);
