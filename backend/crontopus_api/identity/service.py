"""People: registration, sign-in, and who a request comes from."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import repository, scopes
from crontopus_api.identity.models import User
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.repository import TokenFound
from crontopus_api.identity.secrets import hash_password, token_digest, token_kind, verify_password
from crontopus_api.identity.tokens import Issued, TokenService
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope, enter
from crontopus_api.kit.errors import Conflict, Unauthenticated
from crontopus_api.kit.ids import uuid7
from crontopus_api.tenants.service import TenantOf, TenantService

SESSION_LIFE = timedelta(days=30)
# A use is noted at most this often, so that reading costs no write.
_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SignedIn:
    """A person, the tenant they act in, and the token made for them (None when they had one)."""

    user: User
    tenant: TenantOf
    tenants: list[TenantOf]
    issued: Issued | None = None


class IdentityService:
    def __init__(
        self, database: Database, clock: Clock, tokens: TokenService, tenants: TenantService
    ) -> None:
        self._database = database
        self._clock = clock
        self._tokens = tokens
        self._tenants = tenants

    async def register(self, *, username: str, email: str, password: str, token_name: str | None) -> SignedIn:
        """A new user with a personal tenant. Raises Conflict when the name or email is taken.

        `token_name` asks for an API token of that name; None for a browser session.
        """
        password_hash = await hash_password(password)
        user = User(
            id=uuid7(),
            username=username,
            email=email,
            password_hash=password_hash,
            created_at=self._clock.now(),
        )
        async with self._database.session(Scope(user_id=user.id)) as session:
            try:
                await repository.add_user(session, user)
            except repository.AccountTaken as error:
                what = "user name" if error.field == "username" else "email address"
                raise Conflict(
                    f"That {what} is taken.",
                    code=f"{error.field}_taken",
                    hint="Sign in, or choose another one.",
                ) from error
            tenant = await self._tenants.create_personal(session, slug=username, owner_id=user.id)
            issued = await self._issue(session, user.id, tenant, token_name)
        return SignedIn(user, tenant, [tenant], issued)

    async def sign_in(self, *, login: str, password: str, token_name: str | None) -> SignedIn:
        """Raises Unauthenticated, in the same words and time whether or not the account exists."""
        async with self._database.session() as session:
            found = await repository.find_login(session, login)
        if not await verify_password(password, found[1] if found else None) or found is None:
            raise Unauthenticated(
                "The user name or password is wrong.",
                code="invalid_credentials",
                hint="Check both and try again.",
            )
        async with self._database.session(Scope(user_id=found[0])) as session:
            tenants = await self._tenants.of_user(session, found[0])
            tenant = tenants[0]
            await enter(session, Scope(tenant_id=tenant.id, user_id=found[0]))
            user = await self._user(session, found[0])
            issued = await self._issue(session, user.id, tenant, token_name)
        return SignedIn(user, tenant, tenants, issued)

    async def sign_out(self, principal: Principal) -> None:
        async with self._database.tenant(principal.tenant_id, principal.user_id) as session:
            await self._tokens.revoke(session, principal.tenant_id, principal.token_id)

    async def whoami(self, principal: Principal) -> SignedIn:
        if principal.user_id is None:
            raise Unauthenticated("This is for people; endpoints ask /endpoints/self.", code="not_a_user")
        async with self._database.tenant(principal.tenant_id, principal.user_id) as session:
            user = await self._user(session, principal.user_id)
            tenants = await self._tenants.of_user(session, principal.user_id)
        current = next(tenant for tenant in tenants if tenant.id == principal.tenant_id)
        return SignedIn(user, current, tenants)

    async def authenticate(self, token: str, *, allow_expired: bool = False) -> Principal:
        """Who holds this token. Raises Unauthenticated when it is unknown, expired, revoked or not for requests.

        `allow_expired` is for a caller that checks a signature as well.
        """
        if token_kind(token) not in {"user", "session", "endpoint"}:
            raise Unauthenticated(
                "That is not a Crontopus token.", code="invalid_token", hint="Check that it was copied whole."
            )
        found = await repository.look_up_token(self._database, token_digest(token))
        self._check(found, allow_expired)
        assert found is not None
        await self._note_use(found)
        return _principal(found)

    def _check(self, found: TokenFound | None, allow_expired: bool) -> None:
        if found is None or found.revoked_at is not None:
            raise Unauthenticated(
                "The token is unknown or was revoked.",
                code="invalid_token",
                hint="Sign in or make a new token.",
            )
        expired = found.expires_at is not None and found.expires_at <= self._clock.now()
        if expired and not allow_expired:
            raise Unauthenticated("The token has expired.", code="expired_token", hint="Make a new one.")
        if found.kind != "endpoint" and found.role is None:
            raise Unauthenticated("Its owner is no longer a member of the tenant.", code="invalid_token")

    async def _note_use(self, found: TokenFound) -> None:
        now = self._clock.now()
        if found.last_used_at is not None and now - found.last_used_at < _USE_NOTED_EVERY:
            return
        async with self._database.tenant(found.tenant_id) as session:
            replaced = await repository.mark_used(session, found.tenant_id, found.token_id, now)
            # The first use proves that the endpoint has stored its new token: the old one has served.
            if found.last_used_at is None and replaced is not None:
                await self._tokens.revoke(session, found.tenant_id, replaced)

    async def _user(self, session: AsyncSession, user_id: UUID) -> User:
        user = await repository.get_user(session, user_id)
        assert user is not None  # users are never deleted while a token of theirs works
        return user

    async def _issue(
        self, session: AsyncSession, user_id: UUID, tenant: TenantOf, token_name: str | None
    ) -> Issued:
        return await self._tokens.issue(
            session,
            "session" if token_name is None else "user",
            tenant_id=tenant.id,
            user_id=user_id,
            name=token_name or "browser",
            scopes=scopes.BY_ROLE[tenant.role],
            life=SESSION_LIFE if token_name is None else None,
        )


def _principal(found: TokenFound) -> Principal:
    granted = frozenset(found.scopes)
    principal = Principal(
        kind=found.kind,  # type: ignore[arg-type]  # enrolment tokens were turned away
        tenant_id=found.tenant_id,
        tenant_slug=found.tenant_slug,
        token_id=found.token_id,
        scopes=granted,
        expires_at=found.expires_at,
        user_id=found.user_id,
        endpoint_id=found.endpoint_id,
        role=found.role,
    )
    if found.role is None:
        return principal
    # A token never exceeds what its owner's role allows today.
    return replace(principal, scopes=granted & frozenset(scopes.BY_ROLE[found.role]))
