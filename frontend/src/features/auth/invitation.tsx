import { useMutation, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { isProblem } from "@/client/problem";
import { invitationQuery, sessionQuery } from "@/client/queries";
import { tenancy } from "@/client/tenancy";
import type { InvitationPreview } from "@/client/types";
import { ActionError, explain } from "@/components/domain/query-error";
import { Button, buttonVariants } from "@/components/ui/button";
import { Message } from "@/components/ui/message";
import { Facts } from "@/components/ui/page";
import { Spinner } from "@/components/ui/spinner";
import { Time } from "@/components/ui/time";
import { useSwitchTenant } from "@/lib/session";
import { AuthFrame } from "./frame";

const roleWords = (role: string) => `${/^[aeo]/.test(role) ? "an" : "a"} ${role}`;

/** What an invitation's link leads to. */
export function InvitationPage({ token }: { token: string | undefined }) {
  const preview = useQuery(invitationQuery(token ?? "-"));
  if (preview.isPending) {
    return (
      <AuthFrame title="An invitation">
        <p role="status" aria-label="Loading" className="grid place-items-center py-8 text-subtle">
          <Spinner />
        </p>
      </AuthFrame>
    );
  }
  if (preview.error) {
    const { title, detail } = explain(preview.error);
    return (
      <AuthFrame title="An invitation">
        <Message tone="bad" title={title} announce>
          {detail}
        </Message>
      </AuthFrame>
    );
  }
  return <Invitation token={token ?? "-"} invitation={preview.data} />;
}

function Invitation({ token, invitation }: { token: string; invitation: InvitationPreview }) {
  // Any error means: nobody we know.
  const session = useQuery({ ...sessionQuery, retry: false }).data;
  return (
    <AuthFrame
      title={`Join ${invitation.tenant_name}`}
      lead={`${invitation.invited_by} invites you to be ${roleWords(invitation.role)} there.`}
    >
      <Facts
        className="mb-5 rounded-md border border-line bg-sunken px-3 py-2.5"
        items={[
          { label: "Sent to", value: <span className="break-all">{invitation.email}</span> },
          { label: "Valid until", value: <Time at={invitation.expires_at} /> },
        ]}
      />
      {session ? <Accept token={token} username={session.user.username} /> : <Enter token={token} />}
    </AuthFrame>
  );
}

function Enter({ token }: { token: string }) {
  const here = `/invitation?token=${encodeURIComponent(token)}`;
  return (
    <div className="flex flex-col gap-2.5">
      <Link
        to="/sign-up"
        search={{ invitation: token }}
        className={buttonVariants({ variant: "primary", size: "lg" })}
      >
        Create an account
      </Link>
      <Link to="/sign-in" search={{ redirect: here }} className={buttonVariants({ size: "lg" })}>
        I have an account: sign in
      </Link>
    </div>
  );
}

function Accept({ token, username }: { token: string; username: string }) {
  const enter = useSwitchTenant();
  const accept = useMutation({
    mutationFn: () => tenancy.accept(token),
    onSuccess: (tenant) => enter.mutate(tenant.slug),
  });
  const member = isProblem(accept.error) && accept.error.code === "already_member";
  return (
    <div className="flex flex-col gap-4">
      <ActionError error={accept.error ?? enter.error} />
      {member || accept.isSuccess ? (
        <Link to="/jobs" className={buttonVariants({ size: "lg" })}>
          Go to the console
        </Link>
      ) : (
        <Button
          variant="primary"
          size="lg"
          busy={accept.isPending || enter.isPending}
          onClick={() => accept.mutate()}
        >
          Accept as {username}
        </Button>
      )}
    </div>
  );
}
