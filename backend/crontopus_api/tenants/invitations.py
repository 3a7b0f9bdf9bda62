"""Invitations into a tenant: by mail, for one person, for seven days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope, enter
from crontopus_api.kit.errors import Conflict, Invalid, NotFound
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.links import Links
from crontopus_api.kit.mail import Mailer, MailNotSent
from crontopus_api.kit.outbox import defer
from crontopus_api.tenants import invitations_repository as repository
from crontopus_api.tenants import models
from crontopus_api.tenants import repository as tenants_repository
from crontopus_api.tenants.plans import used_up
from crontopus_api.tenants.roles import Role, require_reach
from crontopus_api.tenants.service import TenantOf, TenantService

log = structlog.get_logger()

MAIL_INVITATION = "tenants.mail_invitation"
LIFE = timedelta(days=7)
_PURPOSE = "invitation"


@dataclass(frozen=True)
class Invitation:
    """What a link stands for. `proves_address`: it was sent to `email` and shown to nobody else."""

    id: UUID
    tenant_id: UUID
    tenant_name: str
    email: str
    role: str
    invited_by: str
    expires_at: datetime
    proves_address: bool


class InvitationService:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        tenants: TenantService,
        links: Links,
        mailer: Mailer,
        base_url: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._tenants = tenants
        self._links = links
        self._mailer = mailer
        self._base_url = base_url

    async def page(
        self, session: AsyncSession, tenant_id: UUID, after: UUID | None, limit: int
    ) -> Sequence[models.Invitation]:
        return await repository.page(session, tenant_id, after, limit)

    async def invite(
        self, session: AsyncSession, tenant_id: UUID, actor: Actor, own_role: str, email: str, role: Role
    ) -> models.Invitation:
        """Raises Forbidden (a role above the own one, the plan is used up) or Conflict (invited already)."""
        require_reach(own_role, role)
        now = self._clock.now()
        await tenants_repository.lock_tenant(session, tenant_id)
        await repository.forget_expired(session, tenant_id, email, now)
        plan = await self._tenants.plan(session, tenant_id)
        members = await tenants_repository.count_members(session, tenant_id)
        if members + await repository.count_open(session, tenant_id, now) >= plan.members:
            raise used_up(plan, "members", "members and open invitations")
        invitation = models.Invitation(
            tenant_id=tenant_id,
            id=uuid7(),
            email=email,
            role=role,
            invited_by=actor.id,
            invited_by_name=actor.name,
            created_at=now,
            expires_at=now + LIFE,
        )
        try:
            await repository.add(session, invitation)
        except repository.AlreadyInvited as error:
            raise Conflict(
                f"{email} has been invited already.", code="already_invited", hint="Send it again instead."
            ) from error
        await self._record(session, "invitation.created", actor, invitation)
        await self._defer_mail(session, invitation)
        return invitation

    async def resend(
        self, session: AsyncSession, tenant_id: UUID, actor: Actor, own_role: str, invitation_id: UUID
    ) -> models.Invitation:
        """Another mail, and seven more days. Raises NotFound, Forbidden."""
        await tenants_repository.lock_tenant(session, tenant_id)
        invitation = await repository.get(session, tenant_id, invitation_id)
        if invitation is None:
            raise _missing()
        require_reach(own_role, invitation.role)
        invitation.expires_at = self._clock.now() + LIFE
        invitation.sent_at = invitation.problem = None
        await session.flush()
        await self._record(session, "invitation.sent_again", actor, invitation)
        await self._defer_mail(session, invitation)
        return invitation

    async def withdraw(
        self, session: AsyncSession, tenant_id: UUID, actor: Actor, invitation_id: UUID
    ) -> None:
        """Its link works no more. Raises NotFound."""
        invitation = await repository.take(session, tenant_id, invitation_id)
        if invitation is None:
            raise _missing()
        await self._record(session, "invitation.withdrawn", actor, invitation)

    async def look_up(self, token: str) -> Invitation | None:
        """What the token in a link stands for; None when it is forged, used, withdrawn or too old."""
        try:
            data = self._links.read(_PURPOSE, token, max_age_seconds=int(LIFE.total_seconds()))
        except Invalid:
            return None
        tenant_id = UUID(data["tenant"])
        async with self._database.tenant(tenant_id) as session:
            found = await repository.get(session, tenant_id, UUID(data["id"]))
            tenant = await tenants_repository.get_tenant(session, tenant_id)
        if found is None or tenant is None or tenant.purging_at or found.expires_at <= self._clock.now():
            return None
        return Invitation(
            id=found.id,
            tenant_id=tenant_id,
            tenant_name=tenant.name,
            email=found.email,
            role=found.role,
            invited_by=found.invited_by_name,
            expires_at=found.expires_at,
            proves_address=bool(data["mailed"]),
        )

    async def redeem(self, session: AsyncSession, invitation: Invitation, user_id: UUID) -> TenantOf:
        """Make the person a member. Leaves the session in the tenant's scope.

        Raises Conflict when somebody was faster, it was withdrawn meanwhile or they are a member already, and
        Forbidden when the plan has no room.
        """
        tenant_id = invitation.tenant_id
        await enter(session, Scope(tenant_id=tenant_id, user_id=user_id))
        tenant = await tenants_repository.lock_tenant(session, tenant_id)
        if tenant is None or tenant.purging_at is not None:
            raise _used()
        if await tenants_repository.get_membership(session, tenant_id, user_id) is not None:
            raise Conflict(f"You are a member of {tenant.name} already.", code="already_member")
        taken = await repository.take(session, tenant_id, invitation.id)
        if taken is None or taken.expires_at <= self._clock.now():
            raise _used()
        plan = await self._tenants.plan(session, tenant_id)
        if await tenants_repository.count_members(session, tenant_id) >= plan.members:
            raise used_up(plan, "members", "members")
        membership = models.Membership(
            tenant_id=tenant_id, user_id=user_id, role=taken.role, created_at=self._clock.now()
        )
        await tenants_repository.add_membership(session, membership)
        actor = Actor("user", user_id, invitation.email)
        await self._record(session, "invitation.accepted", actor, taken)
        return TenantOf.of(tenant, taken.role)

    def link(self, invitation: models.Invitation, *, mailed: bool) -> str:
        """`mailed`: it goes to the address itself and to nobody else."""
        data = {"tenant": str(invitation.tenant_id), "id": str(invitation.id), "mailed": int(mailed)}
        return f"{self._base_url}/invitation?token={self._links.make(_PURPOSE, data)}"

    def shown_link(self, invitation: models.Invitation) -> str | None:
        """What to hand over by other means where there is no mail server; None where there is one."""
        return None if self._mailer.configured else self.link(invitation, mailed=False)

    async def mail(self, tenant_id: UUID, invitation_id: UUID) -> None:
        """Send it. Does nothing when it is gone meanwhile. Raises MailNotSent."""
        async with self._database.tenant(tenant_id) as session:
            invitation = await repository.get(session, tenant_id, invitation_id)
            tenant = await tenants_repository.get_tenant(session, tenant_id)
        if invitation is None or tenant is None or invitation.expires_at <= self._clock.now():
            return
        subject = f"{invitation.invited_by_name} invites you to {tenant.name} on Crontopus"
        text = _TEXT.format(
            inviter=invitation.invited_by_name,
            tenant=tenant.name,
            role=invitation.role,
            link=self.link(invitation, mailed=True),
            until=f"{invitation.expires_at:%d %B %Y, %H:%M} UTC",
        )
        problem: str | None = None
        try:
            await self._mailer.send(self._mailer.compose(invitation.email, subject, text, uuid7()))
        except MailNotSent as error:
            problem = str(error)
            log.warning("invitation_not_sent", invitation_id=str(invitation_id), error=problem)
            raise
        finally:
            sent_at = None if problem else self._clock.now()
            async with self._database.tenant(tenant_id) as session:
                await repository.note_mail(
                    session, tenant_id, invitation_id, sent_at=sent_at, problem=problem
                )

    async def _defer_mail(self, session: AsyncSession, invitation: models.Invitation) -> None:
        if not self._mailer.configured:
            invitation.problem = "No mail server is configured: hand the link over yourself."
            log.warning("no_mail_server", invitation_id=str(invitation.id))
            return
        await defer(
            session,
            MAIL_INVITATION,
            lock=f"invitation/{invitation.id}",
            tenant_id=str(invitation.tenant_id),
            invitation_id=str(invitation.id),
        )

    async def _record(
        self, session: AsyncSession, action: str, actor: Actor, invitation: models.Invitation
    ) -> None:
        await audit.record(
            session,
            action,
            actor,
            Subject("invitation", invitation.id, invitation.email),
            at=self._clock.now(),
            tenant_id=invitation.tenant_id,
            after={"email": invitation.email, "role": invitation.role},
        )


_TEXT = """\
{inviter} invites you to the tenant "{tenant}" on Crontopus, as {role}.

Crontopus keeps an eye on scheduled jobs. To accept, open this link and sign in or register:

{link}

It is good for you alone, once, until {until}.

If you do not know what this is about, do nothing: without the link nobody joins in your name.
"""


def _missing() -> NotFound:
    return NotFound("There is no such invitation.")


def _used() -> Conflict:
    return Conflict(
        "This invitation was used or withdrawn, or is too old.",
        code="invitation_used",
        hint="Ask for a new one.",
    )
