"""Who belongs to a tenant, and as what. A tenant always has an owner.

Every change holds the tenant's row first, so that two at once see what the other has done.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.errors import Conflict, NotFound
from crontopus_api.tenants import invitations_repository, repository
from crontopus_api.tenants.models import Membership
from crontopus_api.tenants.roles import ROLES, Role, above, require_reach


class MemberService:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def page(
        self, session: AsyncSession, tenant_id: UUID, after: UUID | None, limit: int
    ) -> Sequence[Membership]:
        return await repository.members(session, tenant_id, after, limit)

    async def get(self, session: AsyncSession, tenant_id: UUID, user_id: UUID) -> Membership:
        """Raises NotFound."""
        member = await repository.get_membership(session, tenant_id, user_id)
        if member is None:
            raise NotFound("There is no such member.")
        return member

    async def change_role(
        self, session: AsyncSession, tenant_id: UUID, actor: Actor, own_role: str, who: Subject, role: Role
    ) -> Membership:
        """`who` is the member: their id and name. Raises NotFound, Forbidden (above the own role), Conflict."""
        member = await self._held(session, tenant_id, UUID(str(who.id)))
        require_reach(own_role, member.role, role)
        if role != "owner":
            await self._not_the_last_owner(session, member)
        await self._set(session, actor, who, member, role)
        return member

    async def remove(
        self, session: AsyncSession, tenant_id: UUID, actor: Actor, own_role: str, who: Subject
    ) -> None:
        """Raises NotFound, Forbidden (above the own role), Conflict (the last owner)."""
        member = await self._held(session, tenant_id, UUID(str(who.id)))
        require_reach(own_role, member.role)
        await self._end(session, actor, who, member, "member.removed")

    async def leave(self, session: AsyncSession, tenant_id: UUID, actor: Actor) -> None:
        """Raises Conflict for the last owner, and for whoever would then belong to no tenant."""
        assert actor.id is not None
        member = await self._held(session, tenant_id, actor.id)
        if len(await repository.memberships_of(session, actor.id)) == 1:
            raise Conflict(
                "This is your only tenant.", code="last_tenant", hint="Make or join another one first."
            )
        await self._end(session, actor, Subject("member", actor.id, actor.name), member, "member.left")

    async def transfer(self, session: AsyncSession, tenant_id: UUID, actor: Actor, who: Subject) -> None:
        """The member becomes an owner, the owner who acts an admin. Raises NotFound or Conflict."""
        assert actor.id is not None
        heir = await self._held(session, tenant_id, UUID(str(who.id)))
        owner = await self.get(session, tenant_id, actor.id)
        if heir.user_id == owner.user_id:
            raise Conflict("The tenant is yours already.", code="own_tenant", hint="Name another member.")
        require_reach(owner.role, "owner")
        await self._set(session, actor, who, heir, "owner")
        await self._set(session, actor, Subject("member", actor.id, actor.name), owner, "admin")

    async def _held(self, session: AsyncSession, tenant_id: UUID, user_id: UUID) -> Membership:
        await repository.lock_tenant(session, tenant_id)
        return await self.get(session, tenant_id, user_id)

    async def _not_the_last_owner(self, session: AsyncSession, member: Membership) -> None:
        if await repository.owners(session, [member.tenant_id]) == [(member.tenant_id, member.user_id)]:
            raise Conflict(
                "A tenant always has an owner, and this is its last one.",
                code="last_owner",
                hint="Make another member an owner first, or delete the tenant.",
            )

    async def _set(
        self, session: AsyncSession, actor: Actor, who: Subject, member: Membership, role: Role
    ) -> None:
        before, member.role = member.role, role
        await session.flush()
        if before == role:
            return
        # Nobody comes in with a role that whoever invited them may no longer give.
        await invitations_repository.withdraw_of(session, member.tenant_id, member.user_id, above(role))
        await self._record(
            session, "member.role_changed", actor, who, member, {"role": before}, {"role": role}
        )

    async def _end(
        self, session: AsyncSession, actor: Actor, who: Subject, member: Membership, action: str
    ) -> None:
        await self._not_the_last_owner(session, member)
        await repository.delete_membership(session, member.tenant_id, member.user_id)
        await invitations_repository.withdraw_of(session, member.tenant_id, member.user_id, ROLES)
        await self._record(session, action, actor, who, member, {"role": member.role}, None)

    async def _record(
        self,
        session: AsyncSession,
        action: str,
        actor: Actor,
        who: Subject,
        member: Membership,
        before: dict[str, str] | None,
        after: dict[str, str] | None,
    ) -> None:
        await audit.record(
            session,
            action,
            actor,
            who,
            at=self._clock.now(),
            tenant_id=member.tenant_id,
            before=before,
            after=after,
        )
