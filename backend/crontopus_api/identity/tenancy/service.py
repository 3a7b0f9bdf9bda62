"""What a principal may do with a tenant, its members and invitations: rules of `tenants`, people and tokens of here."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import scopes
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.tenancy import people, schemas
from crontopus_api.identity.tenancy.ending_mail import EndingMail
from crontopus_api.identity.tokens import TokenService
from crontopus_api.kit.audit import Subject
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.errors import Conflict, Forbidden, Invalid
from crontopus_api.tenants import models
from crontopus_api.tenants.ending import EndingService
from crontopus_api.tenants.invitations import Invitation, InvitationService
from crontopus_api.tenants.members import MemberService
from crontopus_api.tenants.roles import Role
from crontopus_api.tenants.service import TenantOf, TenantService


class TenancyService:
    def __init__(
        self,
        database: Database,
        tenants: TenantService,
        members: MemberService,
        invitations: InvitationService,
        ending: EndingService,
        ending_mail: EndingMail,
        tokens: TokenService,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._members = members
        self._invitations = invitations
        self._ending = ending
        self._ending_mail = ending_mail
        self._tokens = tokens

    async def mine(self, session: AsyncSession, principal: Principal) -> list[TenantOf]:
        return await self._tenants.of_user(session, principal.person())

    async def current(self, session: AsyncSession, principal: Principal) -> TenantOf:
        principal.person()
        return await self._tenants.get(session, principal.tenant_id, _role(principal))

    async def create(
        self, session: AsyncSession, principal: Principal, slug: str, name: str | None
    ) -> TenantOf:
        _whole(principal)
        owner = principal.actor()
        return await self._tenants.create(session, slug=slug, name=name or slug, owner=owner)

    async def rename(self, session: AsyncSession, principal: Principal, name: str) -> TenantOf:
        principal.require(scopes.TENANT_ADMIN)
        await self._tenants.rename(session, principal.tenant_id, principal.actor(), name)
        return await self.current(session, principal)

    async def set_discovery(self, session: AsyncSession, principal: Principal, wanted: bool) -> TenantOf:
        principal.require(scopes.TENANT_ADMIN)
        await self._tenants.set_discovery(session, principal.tenant_id, principal.actor(), wanted)
        return await self.current(session, principal)

    async def delete(self, session: AsyncSession, principal: Principal, confirm: str) -> TenantOf:
        principal.require(scopes.TENANT_OWNER)
        actor = principal.actor()
        if await self._ending.delete(session, principal.tenant_id, actor, confirm):
            await self._ending_mail.announce(session, principal.tenant_id)
        return await self.current(session, principal)

    async def restore(self, session: AsyncSession, principal: Principal) -> TenantOf:
        principal.require(scopes.TENANT_OWNER)
        await self._ending.restore(session, principal.tenant_id, principal.actor())
        return await self.current(session, principal)

    async def members(
        self, session: AsyncSession, principal: Principal, after: UUID | None, limit: int
    ) -> list[schemas.MemberOut]:
        principal.person()
        rows = await self._members.page(session, principal.tenant_id, after, limit)
        known = await people.known(session, [row.user_id for row in rows])
        return [_member(row, known[row.user_id]) for row in rows]

    async def change_role(
        self, session: AsyncSession, principal: Principal, user_id: UUID, role: Role
    ) -> schemas.MemberOut:
        who, known = await self._subject(session, principal, user_id)
        actor = principal.actor()
        member = await self._members.change_role(
            session, principal.tenant_id, actor, _role(principal), who, role
        )
        await self._tokens.follow_role(session, principal.tenant_id, user_id, role)
        return _member(member, known)

    async def remove(self, session: AsyncSession, principal: Principal, user_id: UUID) -> None:
        who, _ = await self._subject(session, principal, user_id)
        actor = principal.actor()
        await self._members.remove(session, principal.tenant_id, actor, _role(principal), who)
        await self._tokens.revoke_of_member(session, principal.tenant_id, user_id)

    async def leave(self, session: AsyncSession, principal: Principal) -> None:
        _whole(principal)
        await self._members.leave(session, principal.tenant_id, principal.actor())
        await self._tokens.revoke_of_member(session, principal.tenant_id, principal.person())

    async def transfer(self, session: AsyncSession, principal: Principal, user_id: UUID) -> TenantOf:
        principal.require(scopes.TENANT_OWNER)
        who, _ = await self._subject(session, principal, user_id)
        own = principal.person()
        await self._members.transfer(session, principal.tenant_id, principal.actor(), who)
        await self._tokens.follow_role(session, principal.tenant_id, user_id, "owner")
        await self._tokens.follow_role(session, principal.tenant_id, own, "admin")
        return await self._tenants.get(session, principal.tenant_id, "admin")

    async def invite(
        self, session: AsyncSession, principal: Principal, email: str, role: Role
    ) -> schemas.InvitationOut:
        if await people.is_member(session, principal.tenant_id, email):
            raise Conflict(f"{email} is a member already.", code="already_member")
        invitation = await self._invitations.invite(
            session, principal.tenant_id, principal.actor(), _role(principal), email, role
        )
        return _invitation(invitation, self._invitations.shown_link(invitation))

    async def invitations(
        self, session: AsyncSession, principal: Principal, after: UUID | None, limit: int
    ) -> list[schemas.InvitationOut]:
        rows = await self._invitations.page(session, principal.tenant_id, after, limit)
        return [_invitation(row) for row in rows]

    async def resend(
        self, session: AsyncSession, principal: Principal, invitation_id: UUID
    ) -> schemas.InvitationOut:
        actor, role = principal.actor(), _role(principal)
        invitation = await self._invitations.resend(session, principal.tenant_id, actor, role, invitation_id)
        return _invitation(invitation, self._invitations.shown_link(invitation))

    async def withdraw(self, session: AsyncSession, principal: Principal, invitation_id: UUID) -> None:
        actor = principal.actor()
        await self._invitations.withdraw(session, principal.tenant_id, actor, invitation_id)

    async def preview(self, token: str) -> Invitation:
        """Raises Invalid for a link that is forged, used, withdrawn or too old."""
        invitation = await self._invitations.look_up(token)
        if invitation is None:
            raise Invalid(
                "This invitation does not work: it was used or withdrawn, is too old, or was not copied whole.",
                code="invalid_invitation",
                hint="Ask for a new one.",
            )
        return invitation

    async def accept(self, principal: Principal, token: str) -> TenantOf:
        """Raises Invalid, Conflict or Forbidden, as `preview` and `InvitationService.redeem` do."""
        _whole(principal)
        user_id = principal.person()
        invitation = await self.preview(token)
        async with self._database.session(Scope(user_id=user_id)) as session:
            return await self._invitations.redeem(session, invitation, user_id)

    async def _subject(
        self, session: AsyncSession, principal: Principal, user_id: UUID
    ) -> tuple[Subject, people.Known]:
        """The member as the log names them, while they can still be seen. Raises NotFound."""
        await self._members.get(session, principal.tenant_id, user_id)
        known = (await people.known(session, [user_id]))[user_id]
        return Subject("member", user_id, known.username), known


def _role(principal: Principal) -> str:
    principal.person()
    assert principal.role is not None  # people have one where they are
    return principal.role


def _whole(principal: Principal) -> None:
    """For what concerns the person rather than the tenant: nothing that a token of narrower scope was made for.

    Raises Forbidden.
    """
    if not principal.scopes >= frozenset(scopes.BY_ROLE[_role(principal)]):
        raise Forbidden(
            "This token may do less than you: it cannot act for you outside its tenant.",
            code="restricted_token",
            hint="Sign in, or use a token with all of your scopes.",
        )


def _member(member: models.Membership, known: people.Known) -> schemas.MemberOut:
    return schemas.MemberOut(
        user_id=member.user_id,
        username=known.username,
        email=known.email,
        role=member.role,
        joined_at=member.created_at,
    )


def _invitation(invitation: models.Invitation, link: str | None = None) -> schemas.InvitationOut:
    names = ("id", "email", "created_at", "expires_at", "sent_at", "problem", "role")
    known = {name: getattr(invitation, name) for name in names}
    return schemas.InvitationOut(**known, invited_by=invitation.invited_by_name, link=link)
