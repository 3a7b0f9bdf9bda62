import { useMutation, useQueryClient } from "@tanstack/react-query";
import { membersQuery, usageQuery } from "@/client/queries";
import { tenancy } from "@/client/tenancy";
import type { Member, Role } from "@/client/types";
import { explain } from "@/components/domain/query-error";
import { toast } from "@/components/ui/toast";
import { useRefreshSession, useSession } from "@/lib/session";
import { roleWord } from "./roles";

const refused = (title: string) => (error: unknown) => {
  const { title: what, detail } = explain(error);
  toast.bad(title, `${what}. ${detail}`);
};

export function useMemberChanges(onRemoved: () => void) {
  const { user } = useSession();
  const queries = useQueryClient();
  const refresh = useRefreshSession();
  const again = () => queries.invalidateQueries({ queryKey: membersQuery.queryKey });
  const setRole = useMutation({
    mutationFn: ({ member, role }: { member: Member; role: Role }) => tenancy.setRole(member.user_id, role),
    onSuccess: async (member) => {
      toast.ok(`${member.username} is now ${roleWord(member.role).toLowerCase()}`);
      // With one's own role goes what one may do.
      if (member.user_id === user.id) await refresh();
    },
    onSettled: again,
  });
  const remove = useMutation({
    mutationFn: ({ user_id }: Member) => tenancy.removeMember(user_id),
    onSuccess: (_, { username }) => toast.ok(`${username} is no longer a member`),
    onError: refused("Could not remove the member"),
    onSettled: async () => {
      onRemoved();
      void queries.invalidateQueries({ queryKey: usageQuery.queryKey });
      await again();
    },
  });
  return { setRole, remove };
}
