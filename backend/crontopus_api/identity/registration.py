"""Who may make an account, and what an account needs before its first sign-in."""

from dataclasses import dataclass
from typing import Literal

from crontopus_api.identity.accounts import Accounts, SignedIn
from crontopus_api.identity.mails import AccountMails
from crontopus_api.identity.secrets import hash_password
from crontopus_api.kit.database import Database, Scope, enter
from crontopus_api.kit.errors import Forbidden, Invalid
from crontopus_api.tenants.invitations import Invitation, InvitationService


@dataclass(frozen=True)
class Rules:
    """From the settings `registration` and `email_verification`."""

    registration: Literal["open", "invite", "closed"] = "open"
    verify_email: bool = False

    def allow(self, *, invited: bool) -> None:
        """Raises Forbidden when a new account may not be made this way."""
        if self.registration == "closed":
            raise Forbidden(
                "New accounts are not made here.",
                code="registration_closed",
                hint="Ask whoever runs this Crontopus.",
            )
        if self.registration == "invite" and not invited:
            raise Forbidden(
                "An account needs an invitation here.",
                code="invitation_required",
                hint="Ask an admin of a tenant to invite you, and open the link in the email.",
            )


class RegistrationService:
    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        mails: AccountMails,
        rules: Rules,
        invitations: InvitationService,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._mails = mails
        self._rules = rules
        self._invitations = invitations

    async def register(
        self,
        *,
        username: str,
        email: str,
        password: str,
        token_name: str | None,
        invitation: str | None = None,
    ) -> SignedIn | None:
        """A new account with a personal tenant, signed in; None when the address must be proven first.

        None says nothing about the address: its owner learns by email whether it has an account already.
        `token_name` asks for an API token of that name; None for a browser session.
        Raises Forbidden, Invalid for a bad invitation, Conflict when the name is taken (or, where addresses are not
        verified, the email).
        """
        invited = await self._invitation(invitation, email)
        self._rules.allow(invited=invited is not None)
        # A link that an admin handed over says nothing about the address; it stays good until that is proven.
        proven = invited is not None and invited.proves_address
        pending = self._rules.verify_email and not proven
        password_hash = await hash_password(password)
        async with self._database.session() as session:
            user = await self._accounts.add(
                session,
                username=username,
                email=email,
                password_hash=password_hash,
                verified=proven,
                pending=pending,
            )
            if pending:
                await self._mails.queue_to(session, "verify", user.id, email)
                return None
            where = (await self._accounts.home(session, user)).id
            if invited is not None:
                where = (await self._invitations.redeem(session, invited, user.id)).id
            await enter(session, Scope(tenant_id=where, user_id=user.id))
            return await self._accounts.open(session, user, token_name=token_name, where=where)

    async def _invitation(self, token: str | None, email: str) -> Invitation | None:
        """It is for the address it was sent to, and for no other."""
        if token is None:
            return None
        found = await self._invitations.look_up(token)
        if found is None:
            raise Invalid(
                "The invitation does not work: it was used already, taken back, or is too old.",
                code="invalid_invitation",
                hint="Ask for a new one.",
            )
        if found.email.lower() != email.lower():
            raise Invalid(
                "The invitation was sent to another address.",
                code="invitation_address",
                hint="Register with the address it was sent to.",
            )
        return found
