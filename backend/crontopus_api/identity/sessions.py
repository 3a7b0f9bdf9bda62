"""Sessions: what a person is signed in with, in all their tenants; moved to another tenant; what has happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from crontopus_api.identity import (
    accounts_repository,
    repository,
    second_factors_repository,
    sessions_repository,
)
from crontopus_api.identity.accounts import SESSION_LIFE, Accounts, SignedIn
from crontopus_api.identity.models import AuditEntry, Token
from crontopus_api.identity.principal import Principal
from crontopus_api.kit.audit import Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.errors import NotFound
from crontopus_api.tenants.service import TenantService


@dataclass(frozen=True)
class SessionOf:
    """A session as its owner sees it. `tenant`: the slug of the one it acts in."""

    id: UUID
    name: str
    address: str | None
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    current: bool
    tenant: str


class SessionService:
    """For people who are signed in by a session: `principal.user_id` is theirs."""

    def __init__(self, database: Database, clock: Clock, accounts: Accounts, tenants: TenantService) -> None:
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._tenants = tenants

    async def all(self, principal: Principal, *, before: UUID | None, limit: int) -> list[SessionOf]:
        """Those that work, newest first."""
        user_id = _owner(principal)
        async with self._database.session(Scope(user_id=user_id)) as session:
            slugs = {each.id: each.slug for each in await self._tenants.of_user(session, user_id)}
            found = await sessions_repository.live(
                session, user_id, slugs, self._clock.now(), before=before, limit=limit
            )
        return [_shown(each, principal, slugs[each.tenant_id]) for each in found]

    async def end(self, principal: Principal, session_id: UUID) -> None:
        """Raises NotFound unless it is a session of this person that works."""
        if not await self._end(principal, only=session_id):
            raise NotFound("There is no such session.")

    async def end_others(self, principal: Principal) -> None:
        await self._end(principal, but=principal.token_id)

    async def _end(
        self, principal: Principal, *, only: UUID | None = None, but: UUID | None = None
    ) -> Sequence[Token]:
        user_id, now = _owner(principal), self._clock.now()
        async with self._database.session(Scope(user_id=user_id)) as session:
            ended = await sessions_repository.revoke(session, user_id, now, only=only, but=but)
            user = await repository.get_user(session, user_id)
            assert user is not None
            for each in ended:
                about = Subject("session", each.id, each.name)
                await self._accounts.note(
                    session, "session.revoked", user, token_id=principal.token_id, subject=about
                )
        return ended

    async def switch(self, principal: Principal, slug: str) -> SignedIn:
        """A session in another tenant for the rest of this one's life; this one ends. Raises NotFound."""
        user_id, now = _owner(principal), self._clock.now()
        async with self._database.session(Scope(user_id=user_id)) as session:
            tenants = await self._tenants.of_user(session, user_id)
            wanted = next((each for each in tenants if each.slug == slug), None)
            if wanted is None:
                raise NotFound("You are a member of no such tenant.")
            user = await repository.get_user(session, user_id)
            assert user is not None
            await sessions_repository.revoke(session, user_id, now, only=principal.token_id)
            issued = await self._accounts.issue(session, user, wanted, None, SESSION_LIFE)
            # Switching to and fro must not keep a stolen session alive.
            issued.token.expires_at = principal.expires_at
            await self._accounts.note(
                session,
                "session.switched",
                user,
                token_id=principal.token_id,
                subject=Subject("session", issued.token.id, issued.token.name),
                before={"tenant": principal.tenant_slug},
                after={"tenant": wanted.slug},
            )
            totp_enabled = await second_factors_repository.enabled(session, user_id)
        return SignedIn(user, wanted, tenants, totp_enabled, issued)

    async def activity(
        self, principal: Principal, *, before: UUID | None, limit: int
    ) -> Sequence[AuditEntry]:
        """What was done to the person's account, newest first."""
        user_id = _owner(principal)
        async with self._database.session(Scope(user_id=user_id)) as session:
            return await accounts_repository.activity(session, user_id, before=before, limit=limit)


def _owner(principal: Principal) -> UUID:
    assert principal.user_id is not None
    return principal.user_id


def _shown(token: Token, principal: Principal, tenant: str) -> SessionOf:
    return SessionOf(
        id=token.id,
        name=token.name,
        address=token.address,
        created_at=token.created_at,
        last_used_at=token.last_used_at,
        expires_at=token.expires_at,
        current=token.id == principal.token_id,
        tenant=tenant,
    )
