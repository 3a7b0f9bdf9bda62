"""Accounts: found before it is known who asks (by functions of crontopus_lookup), and changed by their owner."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.models import AuditEntry, User, UserIdentity
from crontopus_api.identity.repository import AccountTaken


class AccountFound(NamedTuple):
    user_id: UUID
    password_hash: str | None
    pending: bool


class AddressFound(NamedTuple):
    user_id: UUID
    username: str
    pending: bool


class NameUse(NamedTuple):
    """Whether a person, and whether a tenant, is called so."""

    person: bool
    tenant: bool


async def find_account(session: AsyncSession, login: str) -> AccountFound | None:
    """By user name, or by the address of an account that is not pending."""
    row = (await session.execute(text("SELECT * FROM lookup_account(:login)"), {"login": login})).first()
    return AccountFound(*row) if row else None


async def find_address(session: AsyncSession, email: str) -> AddressFound | None:
    """The account with this address; where there is none yet, the newest that claims it."""
    row = (await session.execute(text("SELECT * FROM lookup_address(:email)"), {"email": email})).first()
    return AddressFound(*row) if row else None


async def who_is_called(session: AsyncSession, name: str) -> NameUse:
    found = await session.execute(text("SELECT * FROM lookup_name(:name)"), {"name": name})
    return NameUse(*found.one())


async def find_identity(session: AsyncSession, issuer: str, subject: str) -> UUID | None:
    """Who it is that a provider of single sign-on calls `subject`."""
    found = await session.execute(
        text("SELECT user_id FROM lookup_identity(:issuer, :subject)"), {"issuer": issuer, "subject": subject}
    )
    return found.scalar_one_or_none()


async def add_identity(session: AsyncSession, identity: UserIdentity) -> None:
    """Raises AccountTaken when it has been somebody's since."""
    session.add(identity)
    try:
        await session.flush()
    except IntegrityError as error:
        raise AccountTaken("identity") from error


async def lock_user(session: AsyncSession, user_id: UUID) -> User | None:
    """The person, whom nobody else changes until this transaction ends."""
    return await session.scalar(select(User).where(User.id == user_id).with_for_update())


async def save(session: AsyncSession) -> None:
    """Write what was changed in users. Raises AccountTaken when the address has become somebody else's."""
    try:
        await session.flush()
    except IntegrityError as error:
        raise AccountTaken("email") from error


async def delete_pending(session: AsyncSession, before: datetime) -> int:
    """Take away registrations that nobody confirmed: in the scanner's role, which sees no other accounts."""
    gone = await session.execute(
        delete(User).where(User.pending, User.created_at < before).returning(User.id)
    )
    return len(gone.all())


async def activity(
    session: AsyncSession, user_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[AuditEntry]:
    """A person's own account log, newest first."""
    # cross-tenant: a person's own log is no tenant's
    query = select(AuditEntry).where(AuditEntry.account_id == user_id)
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return (await session.scalars(query.order_by(AuditEntry.id.desc()).limit(limit))).all()
