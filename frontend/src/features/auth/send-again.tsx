import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { account } from "@/client/account";
import { explain } from "@/components/domain/query-error";

const linkClass = "font-medium text-accent-text underline-offset-2 hover:underline disabled:opacity-55";

/** Another confirmation link, at once where the address is known. */
export function SendAgain({ email }: { email: string | undefined }) {
  const send = useMutation({ mutationFn: account.resendVerification });
  if (!email) {
    return (
      <Link to="/verify-email" className={linkClass}>
        Get another link
      </Link>
    );
  }
  return (
    <>
      <button
        type="button"
        className={linkClass}
        disabled={send.isPending}
        onClick={() => send.mutate(email)}
      >
        Send it again
      </button>
      <span role="status">
        {send.isSuccess && " – it is on its way."}
        {send.isError && ` – ${explain(send.error).title}. ${explain(send.error).detail}`}
      </span>
    </>
  );
}
