import { useQuery } from "@tanstack/react-query";
import { Ban, MailOpen } from "lucide-react";
import { useState } from "react";
import { authOptionsQuery, invitationQuery } from "@/client/queries";
import { explain } from "@/components/domain/query-error";
import { Message } from "@/components/ui/message";
import { Spinner } from "@/components/ui/spinner";
import { useEnter } from "./enter";
import { AuthFrame, ToSignIn } from "./frame";
import { RegisterForm } from "./register-form";
import { SendAgain } from "./send-again";

const foot = (
  <>
    Already have an account? <ToSignIn />
  </>
);

/** `invitation`: the token of the link that led here. */
export function SignUpPage({ invitation }: { invitation: string | undefined }) {
  const [mailed, setMailed] = useState<string | null>(null);
  const options = useQuery(authOptionsQuery);
  const enter = useEnter();
  if (mailed) return <CheckMail email={mailed} />;
  if (options.isPending) {
    return (
      <AuthFrame title="Create your account" foot={foot}>
        <p role="status" aria-label="Loading" className="grid place-items-center py-8 text-subtle">
          <Spinner />
        </p>
      </AuthFrame>
    );
  }
  // Without an answer the form is shown: the service says itself what it does not allow.
  const mode = options.data?.registration ?? "open";
  if (mode === "closed" || (mode === "invite" && !invitation)) return <NoRegistration mode={mode} />;
  if (invitation) return <Invited token={invitation} onEnter={enter} />;
  return (
    <AuthFrame
      title="Create your account"
      lead="You get a tenant and a Git repository of your own."
      foot={foot}
    >
      <RegisterForm onEnter={enter} onMailed={setMailed} />
    </AuthFrame>
  );
}

function Invited({ token, onEnter }: { token: string; onEnter: ReturnType<typeof useEnter> }) {
  const preview = useQuery(invitationQuery(token));
  const [mailed, setMailed] = useState<string | null>(null);
  if (mailed) return <CheckMail email={mailed} />;
  return (
    <AuthFrame
      title="Create your account"
      lead={preview.data && `Then you are in ${preview.data.tenant_name}, as ${preview.data.role}.`}
      foot={foot}
    >
      {preview.isPending && (
        <p role="status" aria-label="Loading" className="grid place-items-center py-8 text-subtle">
          <Spinner />
        </p>
      )}
      {preview.error && (
        <Message tone="bad" title={explain(preview.error).title} announce>
          {explain(preview.error).detail}
        </Message>
      )}
      {preview.data && (
        <RegisterForm
          invitation={{ token, email: preview.data.email }}
          onEnter={onEnter}
          onMailed={setMailed}
        />
      )}
    </AuthFrame>
  );
}

function CheckMail({ email }: { email: string }) {
  return (
    <AuthFrame title="Check your mail" foot={<ToSignIn>Back to sign-in</ToSignIn>}>
      <div role="status" className="flex flex-col gap-3 text-sm">
        <MailOpen aria-hidden className="size-8 text-accent-text" strokeWidth={1.5} />
        <p>
          We wrote to <strong className="break-all font-medium">{email}</strong>. Open the link in the message
          to confirm the address; then you can sign in.
        </p>
        <p className="text-muted">
          Nothing there after some minutes? Look into the spam folder. <SendAgain email={email} />
        </p>
      </div>
    </AuthFrame>
  );
}

function NoRegistration({ mode }: { mode: "closed" | "invite" }) {
  return (
    <AuthFrame
      title={mode === "closed" ? "New accounts are not made here" : "You need an invitation"}
      foot={foot}
    >
      <div className="flex flex-col gap-3 text-muted text-sm">
        <Ban aria-hidden className="size-8 text-subtle" strokeWidth={1.5} />
        {mode === "closed" ? (
          <p>Whoever runs this Crontopus makes accounts themselves. Ask them for one.</p>
        ) : (
          <p>Ask an admin of a tenant to invite you, then open the link in the email you get.</p>
        )}
      </div>
    </AuthFrame>
  );
}
