"""Signing in and out, and who a request comes from."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import accounts_repository, repository, scopes, second_factors_repository
from crontopus_api.identity.accounts import Accounts, SignedIn
from crontopus_api.identity.counting import within
from crontopus_api.identity.mails import AccountMails
from crontopus_api.identity.models import User
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.registration import RegistrationService
from crontopus_api.identity.repository import TokenFound
from crontopus_api.identity.second_factors import SecondFactors
from crontopus_api.identity.secrets import token_digest, token_kind, verify_password
from crontopus_api.identity.tokens import TokenService
from crontopus_api.kit import audit
from crontopus_api.kit.audit import Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.errors import Forbidden, Unauthenticated
from crontopus_api.kit.limits import RateLimits
from crontopus_api.tenants.service import TenantService

# Over all addresses. Nothing locks beyond it: whoever guesses elsewhere must not lock the owner out.
_FAILURES = "50/hour"
_WARNINGS = "1/hour"
# A use is noted at most this often, so that reading costs no write.
_USE_NOTED_EVERY = timedelta(minutes=1)


class IdentityService:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        limits: RateLimits,
        accounts: Accounts,
        tokens: TokenService,
        tenants: TenantService,
        mails: AccountMails,
        second_factors: SecondFactors,
        registration: RegistrationService,
    ) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._accounts = accounts
        self._tokens = tokens
        self._tenants = tenants
        self._mails = mails
        self._second_factors = second_factors
        self.register = registration.register

    async def sign_in(
        self,
        *,
        login: str,
        password: str,
        token_name: str | None,
        code: str | None = None,
        address: str = "unknown",
    ) -> SignedIn:
        """With a password, and a code where the person wants one asked.

        Raises Unauthenticated, in the same words and time whether or not the account exists; Forbidden when its
        address is not verified; TooManyRequests beyond so many attempts per account and `address`.
        """
        # Account and address together: somebody who guesses elsewhere cannot lock the owner out.
        await self._limits.take(self._limits.policies.login, "login", login.lower(), address)
        async with self._database.session() as session:
            found = await accounts_repository.find_account(session, login)
        who = str(found.user_id) if found else login.lower()
        # A person has two names to sign in by. That both lead to one account is nothing to tell: no 429 here.
        allowed = await within(self._limits, self._limits.policies.login, "login of", who, address)
        matches = await verify_password(password, found.password_hash if found else None)
        if found is None or not matches or not allowed:
            await self._count_failure(who, found.user_id if found else None)
            raise Unauthenticated(
                "The user name or password is wrong.",
                code="invalid_credentials",
                hint="Check both and try again. After five attempts, wait a minute first.",
            )
        if found.pending:
            raise Forbidden(
                "The email address of this account is not confirmed yet.",
                code="email_unverified",
                hint="Open the link in the email that was sent to it, or have it sent again.",
            )
        means = await self._second_factors.pass_with(found.user_id, code)
        async with self._database.session(Scope(user_id=found.user_id)) as session:
            user = await self._user(session, found.user_id)
            return await self._accounts.open(session, user, token_name=token_name, means=means)

    async def _count_failure(self, who: str, user_id: UUID | None) -> None:
        if await within(self._limits, _FAILURES, "login failures", who) or user_id is None:
            return
        if await within(self._limits, _WARNINGS, "login warning", who):
            async with self._database.session(Scope(user_id=user_id)) as session:
                await self._mails.queue(session, "many_failures", user_id)

    async def sign_out(self, principal: Principal) -> None:
        async with self._database.tenant(principal.tenant_id, principal.user_id) as session:
            await self._tokens.revoke(session, principal.tenant_id, principal.token_id)
            about = Subject("session" if principal.kind == "session" else "token", principal.token_id, "")
            if principal.kind == "session" and principal.user_id is not None:
                user = await self._user(session, principal.user_id)
                await self._accounts.note(
                    session, "session.ended", user, token_id=principal.token_id, subject=about
                )
                return
            await audit.record(
                session,
                "token.revoked",
                principal.actor(),
                about,
                at=self._clock.now(),
                tenant_id=principal.tenant_id,
            )

    async def whoami(self, principal: Principal) -> SignedIn:
        user_id = principal.person()
        async with self._database.tenant(principal.tenant_id, user_id) as session:
            user = await self._user(session, user_id)
            tenants = await self._tenants.of_user(session, user_id)
            totp_enabled = await second_factors_repository.enabled(session, user_id)
        current = next(tenant for tenant in tenants if tenant.id == principal.tenant_id)
        return SignedIn(user, current, tenants, totp_enabled)

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
        name=found.name,
    )
    if found.role is None:
        return principal
    # A token never exceeds what its owner's role allows today.
    return replace(principal, scopes=granted & frozenset(scopes.BY_ROLE[found.role]))
