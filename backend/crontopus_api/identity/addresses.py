"""Email addresses: proven, and changed."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import accounts_repository, repository
from crontopus_api.identity.accounts import Accounts, taken
from crontopus_api.identity.mails import AccountMails
from crontopus_api.identity.models import User
from crontopus_api.identity.passwords import PasswordService
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.proofs import Proofs, used_up
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope


class AddressService:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        accounts: Accounts,
        mails: AccountMails,
        proofs: Proofs,
        passwords: PasswordService,
    ) -> None:
        self._database = database
        self._clock = clock
        self._accounts = accounts
        self._mails = mails
        self._proofs = proofs
        self._passwords = passwords

    async def verify(self, token: str) -> None:
        """The account may be used from here on, and has a tenant.

        Raises Invalid for a link that does not work, Conflict when the address has become another account's.
        """
        user_id = self._proofs.claimed(token)
        async with self._database.session(Scope(user_id=user_id)) as session:
            user = await self._locked(session, user_id)
            self._proofs.check_email(token, user)
            was_pending = user.pending
            user.email_verified_at, user.pending = self._clock.now(), False
            await self._save(session)
            await self._accounts.note(session, "account.email_verified", user, after={"email": user.email})
            if was_pending:
                await self._accounts.home(session, user)

    async def resend(self, email: str) -> None:
        """Another link, if there is an address to verify. The answer does not tell."""
        async with self._database.session() as session:
            found = await accounts_repository.find_address(session, email)
            await self._mails.queue_to(session, "verify", found.user_id if found else None, email)

    async def ask_change(self, principal: Principal, *, email: str, password: str) -> None:
        """Write to both addresses. Raises Forbidden for a wrong password."""
        user = await self._passwords.confirm(principal, password)
        async with self._database.session(Scope(user_id=user.id)) as session:
            user = await self._locked(session, user.id)
            user.new_email = email
            await self._accounts.note(
                session,
                "account.email_change_asked",
                user,
                token_id=principal.token_id,
                before={"email": user.email},
                after={"email": email},
            )
            await self._mails.queue_to(session, "change_email", user.id, email)

    async def confirm_change(self, token: str) -> None:
        """The new address takes the old one's place. Raises Invalid, or Conflict as `verify` does."""
        user_id = self._proofs.claimed(token)
        async with self._database.session(Scope(user_id=user_id)) as session:
            user = await self._locked(session, user_id)
            self._proofs.check_new_email(token, user)
            if user.new_email is None:
                raise used_up()
            before = user.email
            user.email, user.new_email = user.new_email, None
            user.email_verified_at = self._clock.now()
            await self._save(session)
            await self._accounts.note(
                session, "account.email_changed", user, before={"email": before}, after={"email": user.email}
            )

    async def _locked(self, session: AsyncSession, user_id: UUID) -> User:
        user = await accounts_repository.lock_user(session, user_id)
        if user is None:
            raise used_up()
        return user

    async def _save(self, session: AsyncSession) -> None:
        try:
            await accounts_repository.save(session)
        except repository.AccountTaken as error:
            raise taken("email") from error
