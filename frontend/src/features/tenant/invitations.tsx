import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { MailPlus } from "lucide-react";
import { useState } from "react";
import { invitationsQuery } from "@/client/queries";
import { tenancy } from "@/client/tenancy";
import type { Invitation } from "@/client/types";
import { explain, QueryError } from "@/components/domain/query-error";
import { Tag } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { type Column, DataList, LoadMore } from "@/components/ui/data-list";
import { Confirm } from "@/components/ui/dialog";
import { Empty } from "@/components/ui/message";
import { ListSkeleton } from "@/components/ui/skeleton";
import { Time } from "@/components/ui/time";
import { toast } from "@/components/ui/toast";
import { InvitationLink } from "./invitation-link";
import { roleWord } from "./roles";

type Acts = { resend: (invitation: Invitation) => void; withdraw: (invitation: Invitation) => void };

const columns = ({ resend, withdraw }: Acts): Column<Invitation>[] => [
  {
    id: "email",
    header: "Sent to",
    className: "max-md:order-1 max-md:basis-full",
    cell: (invitation) => (
      <>
        <p className="truncate font-medium" title={invitation.email}>
          {invitation.email}
        </p>
        {invitation.problem ? (
          <p className="text-warn text-xs">{invitation.problem}</p>
        ) : (
          <p className="text-subtle text-xs">by {invitation.invited_by}</p>
        )}
      </>
    ),
  },
  {
    id: "role",
    header: "Role",
    className: "max-md:order-4",
    cell: (invitation) => <Tag>{roleWord(invitation.role)}</Tag>,
  },
  {
    id: "expires",
    header: "Ends",
    className: "text-muted max-md:order-5 max-md:flex-1 max-md:text-xs",
    cell: (invitation) => (
      <>
        <span className="md:hidden">ends </span>
        <Time at={invitation.expires_at} />
      </>
    ),
  },
  {
    id: "acts",
    header: "Actions",
    className: "flex gap-1 max-md:order-6 md:justify-end",
    cell: (invitation) => (
      <>
        <Button
          variant="ghost"
          size="sm"
          aria-label={`Send again to ${invitation.email}`}
          onClick={() => resend(invitation)}
        >
          Send again
        </Button>
        <Button
          variant="dangerGhost"
          size="sm"
          aria-label={`Withdraw the invitation of ${invitation.email}`}
          onClick={() => withdraw(invitation)}
        >
          Withdraw
        </Button>
      </>
    ),
  },
];

export function Invitations() {
  const queries = useQueryClient();
  const query = useInfiniteQuery(invitationsQuery);
  const open = query.data?.pages.flatMap((page) => page.items) ?? [];
  const [doomed, setDoomed] = useState<Invitation | null>(null);
  const [shown, setShown] = useState<Invitation | null>(null);
  const again = () => queries.invalidateQueries({ queryKey: invitationsQuery.queryKey });
  const onError = (error: unknown) => toast.bad("That did not work", explain(error).detail);
  const resend = useMutation({
    mutationFn: ({ id }: Invitation) => tenancy.resend(id),
    onSuccess: (invitation) => {
      if (invitation.link) setShown(invitation);
      else toast.ok("Invitation sent again", `To ${invitation.email}. It works for another week.`);
      return again();
    },
    onError,
  });
  const withdraw = useMutation({
    mutationFn: ({ id }: Invitation) => tenancy.withdraw(id),
    onSuccess: again,
    onError,
    onSettled: () => setDoomed(null),
  });
  return (
    <Card aria-label="Invitations">
      <CardHeader title="Open invitations" />
      {query.isPending && <ListSkeleton rows={2} />}
      {query.isError && !query.data && (
        <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
      )}
      {query.isSuccess && open.length === 0 && (
        <Empty icon={<MailPlus />} title="Nobody is invited at the moment">
          An invitation is a link in an email. It works once, for a week.
        </Empty>
      )}
      {open.length > 0 && (
        <DataList
          label="Invitations"
          columns={columns({ resend: resend.mutate, withdraw: setDoomed })}
          items={open}
          rowKey={({ id }) => id}
          grid="md:grid-cols-[minmax(0,1fr)_5rem_6rem_12.5rem]"
        />
      )}
      <LoadMore
        has={query.hasNextPage}
        loading={query.isFetchingNextPage}
        shown={open.length}
        load={() => void query.fetchNextPage()}
      />
      <InvitationLink invitation={shown} onClose={() => setShown(null)} />
      <Confirm
        open={doomed !== null}
        onOpenChange={(next) => !next && setDoomed(null)}
        title={`Withdraw the invitation of ${doomed?.email ?? ""}?`}
        confirm="Withdraw"
        busy={withdraw.isPending}
        onConfirm={() => doomed && withdraw.mutate(doomed)}
      >
        The link in the email stops working.
      </Confirm>
    </Card>
  );
}
