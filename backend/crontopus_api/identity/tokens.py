"""Tokens of every kind: issued, listed, revoked. The secret is shown once; a digest is kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import repository
from crontopus_api.identity.models import Token
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.scopes import BY_ROLE, TENANT_ADMIN, USER_SCOPES
from crontopus_api.identity.secrets import TokenKind, new_token, token_digest, token_hint, token_kind
from crontopus_api.kit import audit
from crontopus_api.kit.audit import Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.errors import Conflict, Invalid, NotFound, Unauthenticated
from crontopus_api.kit.ids import uuid7


@dataclass(frozen=True)
class Issued:
    token: Token
    secret: str


@dataclass(frozen=True)
class Enrollment:
    """What an enrolment token gives the endpoint that used it."""

    tenant_id: UUID
    tenant_slug: str
    labels: dict[str, str]


class TokenService:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def issue(
        self,
        session: AsyncSession,
        kind: TokenKind,
        *,
        tenant_id: UUID,
        name: str,
        scopes: Iterable[str],
        life: timedelta | None,
        user_id: UUID | None = None,
        endpoint_id: UUID | None = None,
        labels: Mapping[str, str] | None = None,
        uses: int | None = None,
        replaces_id: UUID | None = None,
    ) -> Issued:
        secret, now = new_token(kind), self._clock.now()
        token = Token(
            tenant_id=tenant_id,
            id=uuid7(),
            kind=kind,
            user_id=user_id,
            endpoint_id=endpoint_id,
            name=name,
            hint=token_hint(secret),
            digest=token_digest(secret),
            scopes=sorted(set(scopes)),
            labels=dict(labels or {}),
            uses_left=uses,
            replaces_id=replaces_id,
            created_at=now,
            expires_at=now + life if life else None,
        )
        await repository.add_token(session, token)
        return Issued(token, secret)

    async def issue_for_user(
        self,
        session: AsyncSession,
        principal: Principal,
        *,
        user_id: UUID,
        name: str,
        wanted: Sequence[str] | None,
        life_seconds: int | None,
    ) -> Issued:
        """An API token with no more scopes than the principal has. Raises Invalid for an unknown scope."""
        unknown = sorted(set(wanted or ()) - set(USER_SCOPES))
        if unknown:
            raise Invalid(
                f"There is no scope {unknown[0]}.",
                code="unknown_scope",
                hint=f"Scopes: {', '.join(USER_SCOPES)}",
            )
        for scope in wanted or ():
            principal.require(scope)
        issued = await self.issue(
            session,
            "user",
            tenant_id=principal.tenant_id,
            user_id=user_id,
            name=name,
            scopes=principal.scopes if wanted is None else wanted,
            life=timedelta(seconds=life_seconds) if life_seconds else None,
        )
        await self._record(session, "token.created", principal, issued.token, after=_told(issued.token))
        return issued

    async def issue_enrollment(
        self,
        session: AsyncSession,
        principal: Principal,
        *,
        name: str,
        uses: int,
        life_seconds: int,
        labels: Mapping[str, str],
    ) -> Issued:
        issued = await self.issue(
            session,
            "enrollment",
            tenant_id=principal.tenant_id,
            user_id=principal.user_id,
            name=name,
            scopes=(),
            life=timedelta(seconds=life_seconds),
            uses=uses,
            labels=labels,
        )
        await self._record(session, "token.created", principal, issued.token, after=_told(issued.token))
        return issued

    async def rotate(
        self, session: AsyncSession, principal: Principal, token_id: UUID, overlap: timedelta
    ) -> Issued:
        """Another secret for an API token of one's own; the old one works on for `overlap`.

        Raises NotFound, Conflict when it has expired, Forbidden when it can do more than the principal.
        """
        token, now = await self._own(session, principal, token_id), self._clock.now()
        if token.expires_at is not None and token.expires_at <= now:
            raise Conflict("The token has expired.", code="expired_token", hint="Make a new one.")
        # What the role no longer allows, the new one does not get; what it does, one must be able to hand out.
        scopes = [scope for scope in token.scopes if scope in BY_ROLE[principal.role or "viewer"]]
        for scope in scopes:
            principal.require(scope)
        issued = await self.issue(
            session,
            "user",
            tenant_id=principal.tenant_id,
            user_id=token.user_id,
            name=token.name,
            scopes=scopes,
            life=token.expires_at - token.created_at if token.expires_at else None,
        )
        ends = now + overlap
        if overlap and (token.expires_at is None or token.expires_at > ends):
            token.expires_at = ends
        elif not overlap:
            token.revoked_at = now
        await session.flush()
        about = {"id": issued.token.id, "old_one_ends_at": ends}
        await self._record(session, "token.rotated", principal, token, after=about)
        return issued

    async def page(
        self, session: AsyncSession, principal: Principal, *, everybody: bool, before: UUID | None, limit: int
    ) -> list[tuple[Token, str]]:
        """API tokens with their owners' user names, newest first: one's own, or all members'. Raises Forbidden."""
        own = principal.person()
        if everybody:
            principal.require(TENANT_ADMIN)
        whose = None if everybody else own
        return await repository.page_of_tokens(
            session, principal.tenant_id, "user", whose, before=before, limit=limit
        )

    async def enrollments(self, session: AsyncSession, tenant_id: UUID) -> list[Token]:
        tokens = await repository.list_tokens(session, tenant_id, "enrollment")
        now = self._clock.now()
        return [token for token in tokens if token.uses_left and token.expires_at and token.expires_at > now]

    async def revoke(self, session: AsyncSession, tenant_id: UUID, token_id: UUID) -> None:
        await repository.revoke_token(session, tenant_id, token_id, self._clock.now())

    async def revoke_for_user(self, session: AsyncSession, principal: Principal, token_id: UUID) -> None:
        """An API token: one's own, or anybody's for those who administer.

        Raises NotFound, Forbidden when a token of narrower scope is to end one that can do more.
        """
        if TENANT_ADMIN in principal.scopes:
            token = await self._get(session, principal, token_id, "user")
        else:
            token = await self._own(session, principal, token_id)
            for scope in token.scopes if token.id != principal.token_id else ():
                if scope in BY_ROLE[principal.role or "viewer"]:
                    principal.require(scope)
        await self._revoke(session, principal, token)

    async def revoke_enrollment(self, session: AsyncSession, principal: Principal, token_id: UUID) -> None:
        """Raises NotFound."""
        await self._revoke(session, principal, await self._get(session, principal, token_id, "enrollment"))

    async def revoke_of_member(self, session: AsyncSession, tenant_id: UUID, user_id: UUID) -> None:
        """Everything by which this person, or a machine they meant to enrol, could still come in."""
        await repository.revoke_member_tokens(session, tenant_id, user_id, self._clock.now())

    async def follow_role(self, session: AsyncSession, tenant_id: UUID, user_id: UUID, role: str) -> None:
        """Sessions may do what the role says. API tokens keep their own scopes, within the role's."""
        await repository.set_session_scopes(session, tenant_id, user_id, BY_ROLE[role])

    async def revoke_of_endpoint(self, session: AsyncSession, tenant_id: UUID, endpoint_id: UUID) -> None:
        await repository.revoke_endpoint_tokens(session, tenant_id, endpoint_id, self._clock.now())

    async def find_enrollment(self, session: AsyncSession, secret: str) -> tuple[UUID, str, UUID]:
        """(tenant id, tenant slug, token id) of an enrolment token. Raises Unauthenticated for any other."""
        found = None
        if token_kind(secret) == "enrollment":
            found = await repository.find_token(session, token_digest(secret))
        if found is None:
            raise _not_an_enrollment()
        return found.tenant_id, found.tenant_slug, found.token_id

    async def consume_enrollment(
        self, session: AsyncSession, tenant_id: UUID, tenant_slug: str, token_id: UUID
    ) -> Enrollment:
        """Take one use, atomically. Raises Unauthenticated when it is used up, expired or revoked."""
        labels = await repository.consume_enrollment(session, tenant_id, token_id, self._clock.now())
        if labels is None:
            raise _not_an_enrollment()
        return Enrollment(tenant_id, tenant_slug, labels)

    async def _get(self, session: AsyncSession, principal: Principal, token_id: UUID, kind: str) -> Token:
        token = await repository.get_token(session, principal.tenant_id, token_id)
        if token is None or token.kind != kind:
            raise NotFound("There is no such token.")
        return token

    async def _own(self, session: AsyncSession, principal: Principal, token_id: UUID) -> Token:
        token = await self._get(session, principal, token_id, "user")
        if token.user_id != principal.user_id:
            raise NotFound("There is no such token.")
        return token

    async def _revoke(self, session: AsyncSession, principal: Principal, token: Token) -> None:
        token.revoked_at = self._clock.now()
        await session.flush()
        await self._record(session, "token.revoked", principal, token, before=_told(token))

    async def _record(
        self,
        session: AsyncSession,
        action: str,
        principal: Principal,
        token: Token,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        await audit.record(
            session,
            action,
            principal.actor(),
            Subject("token", token.id, token.name),
            at=self._clock.now(),
            tenant_id=token.tenant_id,
            before=before,
            after=after,
        )


def _told(token: Token) -> dict[str, Any]:
    """A token as the audit log tells of it."""
    told: dict[str, Any] = {"kind": token.kind, "scopes": token.scopes, "expires_at": token.expires_at}
    if token.kind == "enrollment":
        told |= {"labels": token.labels, "uses": token.uses_left}
    return told


def _not_an_enrollment() -> Unauthenticated:
    return Unauthenticated(
        "The enrolment token is unknown, used up, expired or revoked.",
        code="invalid_enrollment_token",
        hint="Make a new one in the console under Endpoints, or with `crontopus enroll-token create`.",
    )
