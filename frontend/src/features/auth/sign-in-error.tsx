import { isProblem } from "@/client/problem";
import { ActionError } from "@/components/domain/query-error";
import { Message } from "@/components/ui/message";
import { SendAgain } from "./send-again";

export function SignInError({ error, login }: { error: unknown; login: string }) {
  if (!isProblem(error)) return <ActionError error={error} />;
  if (error.code === "invalid_credentials") {
    return (
      <Message tone="bad" title="Username or password is wrong" announce>
        Check both and try again. Passwords are case-sensitive.
      </Message>
    );
  }
  if (error.code === "email_unverified") {
    return (
      <Message tone="warn" title="Confirm your email address first" announce>
        We sent you a link when you registered. <SendAgain email={login.includes("@") ? login : undefined} />
      </Message>
    );
  }
  // On its way to the next step: no error.
  if (error.code === "second_factor_required") return null;
  return <ActionError error={error} />;
}

const REASONS: Record<string, string> = {
  sso_cancelled: "The sign-in was cancelled, or your provider does not let you in.",
  sso_expired: "That took too long, or began in another window. Start again.",
  sso_unavailable: "Your provider does not answer now. Try again in a minute.",
  sso_no_address: "Your provider did not tell us your email address. Ask whoever runs it to let it.",
  sso_address_unverified: "Your provider has not verified your email address.",
  sso_address_taken:
    "An account here has your email address, and it is not verified at both sides. Sign in with its password.",
  registration_closed: "You have no account yet, and new ones are not made here.",
  invitation_required: "You have no account yet, and one needs an invitation here.",
};

/** Single sign-on led back here with the code of what was wrong. */
export function SignOnError({ code }: { code: string }) {
  return (
    <Message tone="bad" title="Single sign-on did not work" className="mb-4" announce>
      {REASONS[code] ?? "Try again. If it goes on, ask whoever runs this Crontopus to look at its log."}
    </Message>
  );
}
