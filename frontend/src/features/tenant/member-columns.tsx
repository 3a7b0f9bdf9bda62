import type { Member, Role } from "@/client/types";
import { Badge, Tag } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import type { Column } from "@/components/ui/data-list";
import { Select } from "@/components/ui/select";
import { Time } from "@/components/ui/time";
import { isAbove, rolesUpTo, roleWord } from "./roles";

type Props = {
  /** `role`: "none" for those who may change nothing. */
  own: { id: string; role: string };
  setRole: (member: Member, role: Role) => void;
  remove: (member: Member) => void;
};

export function memberColumns({ own, setRole, remove }: Props): Column<Member>[] {
  const changeable = (member: Member) => own.role !== "none" && !isAbove(member.role, own.role);
  return [
    {
      id: "name",
      header: "Name",
      className: "max-md:order-1 max-md:basis-full",
      cell: (member) => (
        <>
          <p className="flex items-center gap-2 font-medium">
            <span className="truncate">{member.username}</span>
            {member.user_id === own.id && <Badge tone="info">you</Badge>}
          </p>
          <p className="truncate text-subtle text-xs" title={member.email}>
            {member.email}
          </p>
        </>
      ),
    },
    {
      id: "role",
      header: "Role",
      className: "max-md:order-4 max-md:flex-1",
      cell: (member) =>
        changeable(member) ? (
          <Select
            label={`Role of ${member.username}`}
            value={member.role}
            options={rolesUpTo(own.role)}
            onChange={(role) => setRole(member, role)}
          />
        ) : (
          <Tag>{roleWord(member.role)}</Tag>
        ),
    },
    {
      id: "joined",
      header: "Joined",
      className: "text-muted max-md:order-6 max-md:text-xs",
      cell: (member) => (
        <>
          <span className="md:hidden">joined </span>
          <Time at={member.joined_at} />
        </>
      ),
    },
    {
      id: "remove",
      header: "Remove",
      className: "max-md:order-5 md:text-right",
      cell: (member) =>
        changeable(member) &&
        member.user_id !== own.id && (
          <Button
            variant="dangerGhost"
            size="sm"
            aria-label={`Remove ${member.username}`}
            onClick={() => remove(member)}
          >
            Remove
          </Button>
        ),
    },
  ];
}
