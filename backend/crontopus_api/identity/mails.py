"""Emails about a person's account: what they say, and when they are sent.

A request only queues a job that names the kind and the person; links are made when the message is written, so that
the queue holds nothing worth stealing. What a message says may depend on who has an account: the answer to the
request that caused it never does.
"""

from collections.abc import Awaitable, Callable
from typing import Literal
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import accounts_repository, letters, repository
from crontopus_api.identity.counting import within
from crontopus_api.identity.letters import Letter
from crontopus_api.identity.models import User
from crontopus_api.identity.proofs import Proofs
from crontopus_api.kit import outbox
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.limits import RateLimits
from crontopus_api.kit.mail import Mailer, MailNotSent

log = structlog.get_logger()

MAIL = "identity.mail"
Kind = Literal[
    "verify",
    "reset",
    "change_email",
    "password_changed",
    "totp_enabled",
    "totp_disabled",
    "recovery_code_used",
    "identity_linked",
    "many_failures",
]
# So that nobody can fill somebody else's mailbox with our messages.
_PER_MAILBOX = "5/hour"


class AccountMails:
    def __init__(
        self, database: Database, limits: RateLimits, mailer: Mailer, proofs: Proofs, base_url: str
    ) -> None:
        self._database = database
        self._limits = limits
        self._mailer = mailer
        self._proofs = proofs
        self._base_url = base_url

    async def queue(self, session: AsyncSession, kind: Kind, user_id: UUID) -> None:
        """Send it once this transaction has committed."""
        await outbox.defer(session, MAIL, kind=kind, user_id=str(user_id))

    async def queue_to(self, session: AsyncSession, kind: Kind, user_id: UUID | None, address: str) -> None:
        """The same for a message that somebody asks for by address, as often as one address may be written to.

        Without a person (None) all that differs is that nothing is sent: the answer takes the same time.
        """
        if await within(self._limits, _PER_MAILBOX, "mail", address.lower()):
            await self.queue(session, kind, user_id or uuid7())

    async def send(self, kind: Kind, user_id: UUID) -> None:
        """The worker's part. Raises MailNotSent when it should be tried again."""
        async with self._database.session(Scope(user_id=user_id)) as session:
            user = await repository.get_user(session, user_id)
            written = await self._write(session, kind, user) if user is not None else []
        if not self._mailer.configured:
            log.warning(
                "mail_not_sent", kind=kind, user_id=str(user_id), reason="CRONTOPUS_SMTP_URL is not set"
            )
            return
        await self._post(written)

    async def _post(self, written: list[tuple[str, Letter]]) -> None:
        """The last one carries the link. What goes to another address before it must not hold it up."""
        for number, (address, letter) in enumerate(written, 1):
            message = self._mailer.compose(address, letter.subject, letter.text, uuid7())
            try:
                await self._mailer.send(message)
            except MailNotSent as error:
                if number == len(written):
                    raise
                log.warning("mail_not_sent", subject=letter.subject, reason=str(error))

    async def _write(self, session: AsyncSession, kind: Kind, user: User) -> list[tuple[str, Letter]]:
        """(address, message) of everything that is to be said. Nothing when it has become untrue meanwhile."""
        special: dict[str, Callable[[AsyncSession, User], Awaitable[list[tuple[str, Letter]]]]] = {
            "verify": self._verify,
            "reset": self._reset,
            "change_email": self._change_email,
        }
        if kind in special:
            return await special[kind](session, user)
        return [(user.email, letters.notice(kind, user.username, self._base_url))]

    async def _verify(self, session: AsyncSession, user: User) -> list[tuple[str, Letter]]:
        if user.email_verified_at is not None:
            return []
        owner = await accounts_repository.find_address(session, user.email)
        if owner is not None and not owner.pending and owner.user_id != user.id:
            return [(user.email, letters.has_account(owner.username, self._base_url))]
        link = f"{self._base_url}/verify-email?token={self._proofs.of_email(user)}"
        return [(user.email, letters.verify(user.username, link))]

    async def _reset(self, _: AsyncSession, user: User) -> list[tuple[str, Letter]]:
        link = f"{self._base_url}/reset-password?token={self._proofs.of_reset(user)}"
        return [(user.email, letters.reset(user.username, link))]

    async def _change_email(self, session: AsyncSession, user: User) -> list[tuple[str, Letter]]:
        if user.new_email is None:
            return []
        told = (user.email, letters.email_changing(user.username, user.new_email, self._base_url))
        owner = await accounts_repository.find_address(session, user.new_email)
        if owner is not None and not owner.pending and owner.user_id != user.id:
            return [told, (user.new_email, letters.has_account(owner.username, self._base_url))]
        link = f"{self._base_url}/confirm-email?token={self._proofs.of_new_email(user)}"
        return [told, (user.new_email, letters.confirm_email(user.username, link))]
