"""Accounts: made, given a home, and opened for whoever has proven to own them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import accounts_repository, repository, scopes
from crontopus_api.identity import second_factors_repository as second_factors
from crontopus_api.identity.agents import agent_name
from crontopus_api.identity.models import User
from crontopus_api.identity.tokens import Issued, TokenService
from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.caller import current_caller
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Scope, enter
from crontopus_api.kit.errors import Conflict
from crontopus_api.kit.ids import uuid7
from crontopus_api.tenants.service import TenantOf, TenantService

SESSION_LIFE = timedelta(days=30)


@dataclass(frozen=True)
class SignedIn:
    """A person, the tenant they act in, and the token made for them (None when they had one)."""

    user: User
    tenant: TenantOf
    tenants: list[TenantOf]
    totp_enabled: bool
    issued: Issued | None = None


class Accounts:
    """What registration, sign-in and single sign-on share. Each method works in its caller's transaction."""

    def __init__(self, clock: Clock, tokens: TokenService, tenants: TenantService) -> None:
        self._clock = clock
        self._tokens = tokens
        self._tenants = tenants

    async def add(
        self,
        session: AsyncSession,
        *,
        username: str,
        email: str,
        password_hash: str | None,
        verified: bool = False,
        pending: bool = False,
    ) -> User:
        """A new account, without a tenant yet. Leaves the session in its scope.

        Raises Conflict when the user name or email is taken.
        """
        now = self._clock.now()
        user = User(
            id=uuid7(),
            username=username,
            email=email,
            password_hash=password_hash,
            created_at=now,
            email_verified_at=now if verified else None,
            pending=pending,
        )
        await enter(session, Scope(user_id=user.id))
        if any(await accounts_repository.who_is_called(session, username)):
            raise taken("username")
        try:
            await repository.add_user(session, user)
        except repository.AccountTaken as error:
            raise taken(error.field) from error
        await self.note(session, "account.registered", user, after={"username": username, "email": email})
        return user

    async def home(self, session: AsyncSession, user: User) -> TenantOf:
        """A personal tenant, called after the user where that name is free. Leaves the session in its scope."""
        slug, number = user.username, 1
        while (used := await accounts_repository.who_is_called(session, slug)).tenant or (
            used.person and slug != user.username
        ):
            number += 1
            slug = f"{user.username}-{number}"
        return await self._tenants.create_personal(session, slug=slug, owner_id=user.id)

    async def open(
        self,
        session: AsyncSession,
        user: User,
        *,
        token_name: str | None = None,
        where: UUID | None = None,
        means: str = "password",
    ) -> SignedIn:
        """Sign in: a session, or an API token called `token_name`, in the tenant `where` or the oldest one.

        Whoever has no tenant any more gets a new one. The session must be in the person's scope; it is left in the
        tenant's.
        """
        tenants = await self._tenants.of_user(session, user.id) or [await self.home(session, user)]
        tenant = next((each for each in tenants if each.id == where), tenants[0])
        life = SESSION_LIFE if token_name is None else None
        issued = await self.issue(session, user, tenant, token_name, life)
        after = {"tenant": tenant.slug, "means": means}
        if token_name is None:
            await self.note(session, "session.created", user, subject=_about(issued), after=after)
        else:
            await self.note(session, "account.token_created", user, subject=_about(issued), after=after)
            await self._tell_tenant(session, user, tenant, issued)
        return SignedIn(user, tenant, tenants, await second_factors.enabled(session, user.id), issued)

    async def _tell_tenant(self, session: AsyncSession, user: User, tenant: TenantOf, issued: Issued) -> None:
        await audit.record(
            session,
            "token.created",
            Actor("user", user.id, user.username),
            _about(issued),
            at=self._clock.now(),
            tenant_id=tenant.id,
            after={"kind": "user", "scopes": issued.token.scopes, "expires_at": issued.token.expires_at},
        )

    async def issue(
        self,
        session: AsyncSession,
        user: User,
        tenant: TenantOf,
        token_name: str | None,
        life: timedelta | None,
    ) -> Issued:
        await enter(session, Scope(tenant_id=tenant.id, user_id=user.id))
        return await self._tokens.issue(
            session,
            "session" if token_name is None else "user",
            tenant_id=tenant.id,
            user_id=user.id,
            name=token_name or agent_name(current_caller().agent),
            scopes=scopes.BY_ROLE[tenant.role],
            life=life,
        )

    async def note(
        self,
        session: AsyncSession,
        action: str,
        user: User,
        *,
        by: Actor | None = None,
        token_id: UUID | None = None,
        subject: Subject | None = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        """An entry in the person's own log, of what they did themselves, or what was done `by` another."""
        await audit.record(
            session,
            action,
            by or Actor("user", user.id, user.username, token_id),
            subject or Subject("account", user.id, user.username),
            at=self._clock.now(),
            account_id=user.id,
            before=before,
            after=after,
        )


def _about(issued: Issued) -> Subject:
    return Subject(
        "session" if issued.token.kind == "session" else "token", issued.token.id, issued.token.name
    )


def taken(field: str) -> Conflict:
    what = "user name" if field == "username" else "email address"
    return Conflict(f"That {what} is taken.", code=f"{field}_taken", hint="Sign in, or choose another one.")
