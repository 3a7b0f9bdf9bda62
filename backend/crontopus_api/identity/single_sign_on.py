"""Single sign-on: from who the provider says somebody is to an account here."""

import re
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import accounts_repository, repository
from crontopus_api.identity.accounts import Accounts, SignedIn, taken
from crontopus_api.identity.claims import Attempt, Claims
from crontopus_api.identity.mails import AccountMails
from crontopus_api.identity.models import User, UserIdentity
from crontopus_api.identity.registration import Rules
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope, enter
from crontopus_api.kit.errors import CrontopusError, Forbidden, Invalid, NotFound, Unauthenticated
from crontopus_api.kit.links import Links

if TYPE_CHECKING:
    from crontopus_api.identity.oidc import Provider

log = structlog.get_logger()

ATTEMPT_SECONDS = 600
_PURPOSE = "single-sign-on"
_MEANS = "single sign-on"
# A path of ours: `//host` and `/\host` are other sites' to a browser.
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,500}")
_LONGEST_NAME = 30


class SingleSignOn:
    """`provider`: None where single sign-on is not configured."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        accounts: Accounts,
        mails: AccountMails,
        rules: Rules,
        links: Links,
        provider: "Provider | None",
    ) -> None:
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._mails = mails
        self._rules = rules
        self._links = links
        self._provider = provider

    async def begin(self, return_to: str) -> tuple[str, str]:
        """(address at the provider, what the browser must keep meanwhile).

        Raises NotFound without a provider, Invalid unless `return_to` is a path here, Unavailable.
        """
        if not _LOCAL_PATH.fullmatch(return_to):
            raise Invalid("return_to must be a path of this site, such as /jobs.", code="invalid_return_to")
        url, attempt = await self._configured().begin(return_to)
        return url, self._links.make(_PURPOSE, attempt.data())

    async def finish(
        self, kept: str | None, *, state: str, code: str, issuer: str | None
    ) -> tuple[SignedIn, str]:
        """(who has signed in, where they wanted to go). Raises Unauthenticated, Forbidden, Conflict, Unavailable."""
        provider = self._configured()
        try:
            attempt = Attempt(**self._links.read(_PURPOSE, kept or "", max_age_seconds=ATTEMPT_SECONDS))
        except Invalid as error:
            raise Unauthenticated("That took too long, or began elsewhere.", code="sso_expired") from error
        try:
            claims = await provider.finish(attempt, state=state, code=code, issuer=issuer)
            async with self._database.session() as session:
                signed_in = await self._open(session, claims)
        except CrontopusError as error:
            # The browser is told a code only; whoever runs this wants to know why.
            log.warning("single_sign_on_refused", code=error.code, reason=error.message)
            raise
        return signed_in, attempt.return_to

    def _configured(self) -> "Provider":
        if self._provider is None:
            raise NotFound("Single sign-on is not set up here.", code="sso_off")
        return self._provider

    async def _open(self, session: AsyncSession, claims: Claims) -> SignedIn:
        known = await accounts_repository.find_identity(session, claims.issuer, claims.subject)
        if known is not None:
            await enter(session, Scope(user_id=known))
            user = await repository.get_user(session, known)
            assert user is not None  # the identity goes with its person
        else:
            user = await self._first_time(session, claims)
        return await self._accounts.open(session, user, means=_MEANS)

    async def _first_time(self, session: AsyncSession, claims: Claims) -> User:
        if claims.email is None:
            raise Forbidden("The provider did not tell an email address.", code="sso_no_address")
        owner = await accounts_repository.find_address(session, claims.email)
        if owner is None or owner.pending:
            return await self._new(session, claims, claims.email)
        await enter(session, Scope(user_id=owner.user_id))
        user = await accounts_repository.lock_user(session, owner.user_id)
        # Whoever could claim an address at either side would come into the other's account.
        if user is None or user.email_verified_at is None or not claims.email_verified:
            raise Forbidden(
                "An account here has this address, and it is not verified at both sides.",
                code="sso_address_taken",
                hint="Sign in with the password.",
            )
        await self._link(session, user, claims)
        await self._accounts.note(
            session,
            "account.identity_linked",
            user,
            after={"issuer": claims.issuer, "subject": claims.subject},
        )
        await self._mails.queue(session, "identity_linked", user.id)
        return user

    async def _new(self, session: AsyncSession, claims: Claims, email: str) -> User:
        self._rules.allow(invited=False)
        if self._rules.verify_email and not claims.email_verified:
            raise Forbidden("The provider has not verified the address.", code="sso_address_unverified")
        user = await self._accounts.add(
            session,
            username=await _free_name(session, claims.username or email.partition("@")[0]),
            email=email,
            password_hash=None,
            verified=claims.email_verified,
        )
        await self._link(session, user, claims)
        await self._accounts.home(session, user)
        return user

    async def _link(self, session: AsyncSession, user: User, claims: Claims) -> None:
        identity = UserIdentity(
            issuer=claims.issuer, subject=claims.subject, user_id=user.id, created_at=self._clock.now()
        )
        try:
            await accounts_repository.add_identity(session, identity)
        except repository.AccountTaken as error:
            # The same person at once in two windows: the other one has come in.
            raise taken("email") from error


async def _free_name(session: AsyncSession, wanted: str) -> str:
    """A user name like the one wanted that nobody has."""
    plain = re.sub(r"[^a-z0-9]+", "-", wanted.lower())[:_LONGEST_NAME].strip("-")
    name = plain = plain if len(plain) > 1 else "user"
    number = 1
    while any(await accounts_repository.who_is_called(session, name)):
        number += 1
        name = f"{plain}-{number}"
    return name
