import { useInfiniteQuery } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { membersQuery } from "@/client/queries";
import type { Member } from "@/client/types";
import { ActionError, QueryError } from "@/components/domain/query-error";
import { Button } from "@/components/ui/button";
import { Card, CardHeader } from "@/components/ui/card";
import { DataList, LoadMore } from "@/components/ui/data-list";
import { Confirm } from "@/components/ui/dialog";
import { ListSkeleton } from "@/components/ui/skeleton";
import { useMay, useSession } from "@/lib/session";
import { SettingsFrame } from "./frame";
import { Invitations } from "./invitations";
import { Invite } from "./invite";
import { useMemberChanges } from "./member-changes";
import { memberColumns } from "./member-columns";

export function MembersPage() {
  const admin = useMay("tenant:admin");
  const [inviting, setInviting] = useState(false);
  return (
    <SettingsFrame
      at="/settings/members"
      actions={
        admin && (
          <Button variant="primary" onClick={() => setInviting(true)}>
            <UserPlus aria-hidden /> Invite
          </Button>
        )
      }
    >
      <div className="flex flex-col gap-5">
        <Members admin={admin} />
        {admin && <Invitations />}
      </div>
      <Invite open={inviting} onOpenChange={setInviting} />
    </SettingsFrame>
  );
}

function Members({ admin }: { admin: boolean }) {
  const { user, tenant } = useSession();
  const query = useInfiniteQuery(membersQuery);
  const members = query.data?.pages.flatMap((page) => page.items) ?? [];
  const [leaving, setLeaving] = useState<Member | null>(null);
  const { setRole, remove } = useMemberChanges(() => setLeaving(null));
  return (
    <Card aria-label="Members">
      <CardHeader title="Members" aside={!admin && "Admins can change this."} />
      {query.isPending && <ListSkeleton rows={3} />}
      {query.isError && !query.data && (
        <QueryError error={query.error} retry={() => void query.refetch()} busy={query.isFetching} />
      )}
      {setRole.error && (
        <div className="p-4 pb-0">
          <ActionError error={setRole.error} />
        </div>
      )}
      {members.length > 0 && (
        <DataList
          label="Members"
          columns={memberColumns({
            own: { id: user.id, role: admin ? tenant.role : "none" },
            setRole: (member, role) => setRole.mutate({ member, role }),
            remove: setLeaving,
          })}
          items={members}
          rowKey={({ user_id }) => user_id}
          grid="md:grid-cols-[minmax(0,1fr)_9rem_8rem_6rem]"
        />
      )}
      <LoadMore
        has={query.hasNextPage}
        loading={query.isFetchingNextPage}
        shown={members.length}
        load={() => void query.fetchNextPage()}
      />
      <Confirm
        open={leaving !== null}
        onOpenChange={(open) => !open && setLeaving(null)}
        title={`Remove ${leaving?.username ?? ""} from ${tenant.name}?`}
        confirm="Remove member"
        busy={remove.isPending}
        onConfirm={() => leaving && remove.mutate(leaving)}
      >
        Their sessions and API tokens of this tenant stop working at once. What they made stays.
      </Confirm>
    </Card>
  );
}
