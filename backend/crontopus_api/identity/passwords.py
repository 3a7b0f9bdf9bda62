"""Passwords: asked again, changed, and set anew by who reads the account's email."""

from uuid import UUID

from crontopus_api.identity import accounts_repository, repository, sessions_repository
from crontopus_api.identity.accounts import Accounts
from crontopus_api.identity.mails import AccountMails, Kind
from crontopus_api.identity.models import User
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.proofs import Proofs, used_up
from crontopus_api.identity.secrets import hash_password, verify_password
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.errors import Conflict, Forbidden
from crontopus_api.kit.limits import RateLimits

# Whoever has taken over a session must not guess the password through it.
_CONFIRM_LIMIT = "10/minute"


class PasswordService:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        limits: RateLimits,
        accounts: Accounts,
        mails: AccountMails,
        proofs: Proofs,
    ) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._accounts = accounts
        self._mails = mails
        self._proofs = proofs

    async def confirm(self, principal: Principal, password: str) -> User:
        """The signed-in person, who has given their password once more.

        Raises Forbidden when it is wrong, Conflict when they have none.
        """
        assert principal.user_id is not None  # routes let sessions of people in only
        await self.count_guess(principal.user_id)
        async with self._database.session(Scope(user_id=principal.user_id)) as session:
            user = await repository.get_user(session, principal.user_id)
        assert user is not None  # a session ends with its person
        if user.password_hash is None:
            raise Conflict(
                "This account has no password.",
                code="no_password",
                hint="Set one by way of “forgot password”, then try again.",
            )
        if not await verify_password(password, user.password_hash):
            raise Forbidden("That is not your password.", code="wrong_password")
        return user

    async def count_guess(self, user_id: UUID) -> None:
        """Raises TooManyRequests when a signed-in person has given too many passwords and codes."""
        await self._limits.take(_CONFIRM_LIMIT, "confirm", str(user_id))

    async def change(self, principal: Principal, *, current: str, new: str) -> None:
        """All other sessions of the person end. Raises as `confirm` does."""
        await self.confirm(principal, current)
        await self._set(principal, await hash_password(new))

    async def _set(self, principal: Principal, password_hash: str) -> None:
        assert principal.user_id is not None
        async with self._database.session(Scope(user_id=principal.user_id)) as session:
            user = await accounts_repository.lock_user(session, principal.user_id)
            assert user is not None
            user.password_hash = password_hash
            ended = await sessions_repository.revoke(
                session, user.id, self._clock.now(), but=principal.token_id
            )
            await self._accounts.note(
                session,
                "account.password_changed",
                user,
                token_id=principal.token_id,
                after={"sessions_ended": len(ended)},
            )
            await self._mails.queue(session, "password_changed", user.id)

    async def forgot(self, email: str) -> None:
        """Send a link that sets a new password, if the address has an account. The answer does not tell."""
        async with self._database.session() as session:
            found = await accounts_repository.find_address(session, email)
            # A registration that was never confirmed has nothing to reset; what its owner lacks is the first link.
            kind: Kind = "verify" if found is not None and found.pending else "reset"
            await self._mails.queue_to(session, kind, found.user_id if found else None, email)

    async def reset(self, token: str, password: str) -> None:
        """Set a new password; all sessions end, API tokens go on. Raises Invalid for a link that does not work."""
        user_id = self._proofs.claimed(token)
        await self._check(token, user_id)
        password_hash = await hash_password(password)
        async with self._database.session(Scope(user_id=user_id)) as session:
            user = await accounts_repository.lock_user(session, user_id)
            if user is None:
                raise used_up()
            self._proofs.check_reset(token, user)  # again: of two at once one comes too late
            now = self._clock.now()
            user.password_hash = password_hash
            user.email_verified_at = user.email_verified_at or now
            ended = await sessions_repository.revoke(session, user.id, now)
            await self._accounts.note(
                session, "account.password_reset", user, after={"sessions_ended": len(ended)}
            )
            await self._mails.queue(session, "password_changed", user.id)

    async def _check(self, token: str, user_id: UUID) -> None:
        """Before the work of hashing is done for somebody who made a link up."""
        async with self._database.session(Scope(user_id=user_id)) as session:
            user = await repository.get_user(session, user_id)
        if user is None or user.pending:
            raise used_up()
        self._proofs.check_reset(token, user)
