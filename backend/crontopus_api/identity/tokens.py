"""Tokens of every kind: issued, listed, revoked. The secret is shown once; a digest is kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import repository
from crontopus_api.identity.models import Token
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.scopes import USER_SCOPES
from crontopus_api.identity.secrets import TokenKind, new_token, token_digest, token_hint, token_kind
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.errors import Invalid, NotFound, Unauthenticated
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
        return await self.issue(
            session,
            "user",
            tenant_id=principal.tenant_id,
            user_id=user_id,
            name=name,
            scopes=principal.scopes if wanted is None else wanted,
            life=timedelta(seconds=life_seconds) if life_seconds else None,
        )

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
        return await self.issue(
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

    async def of_user(self, session: AsyncSession, tenant_id: UUID, user_id: UUID) -> list[Token]:
        return await repository.list_tokens(session, tenant_id, "user", user_id)

    async def enrollments(self, session: AsyncSession, tenant_id: UUID) -> list[Token]:
        tokens = await repository.list_tokens(session, tenant_id, "enrollment", None)
        now = self._clock.now()
        return [token for token in tokens if token.uses_left and token.expires_at and token.expires_at > now]

    async def revoke(self, session: AsyncSession, tenant_id: UUID, token_id: UUID) -> None:
        await repository.revoke_token(session, tenant_id, token_id, self._clock.now())

    async def revoke_own(self, session: AsyncSession, tenant_id: UUID, token_id: UUID, user_id: UUID) -> None:
        """Raises NotFound unless it is an API token of this user."""
        now = self._clock.now()
        if not await repository.revoke_token(session, tenant_id, token_id, now, kind="user", user_id=user_id):
            raise NotFound("There is no such token.")

    async def revoke_enrollment(self, session: AsyncSession, tenant_id: UUID, token_id: UUID) -> None:
        now = self._clock.now()
        if not await repository.revoke_token(session, tenant_id, token_id, now, kind="enrollment"):
            raise NotFound("There is no such enrolment token.")

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


def _not_an_enrollment() -> Unauthenticated:
    return Unauthenticated(
        "The enrolment token is unknown, used up, expired or revoked.",
        code="invalid_enrollment_token",
        hint="Make a new one in the console under Endpoints, or with `crontopus enroll-token create`.",
    )
