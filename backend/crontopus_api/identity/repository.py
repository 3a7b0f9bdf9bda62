from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.models import Token, User
from crontopus_api.kit.database import Database
from crontopus_api.kit.sql import any_id

_LOOKUP_TOKEN = text("SELECT * FROM lookup_bearer(:digest)")


class AccountTaken(Exception):
    """`field` is "username" or "email"."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class TokenFound(NamedTuple):
    """What `lookup_bearer` answers: a token with what authentication needs to know around it."""

    tenant_id: UUID
    tenant_slug: str
    token_id: UUID
    kind: str
    user_id: UUID | None
    endpoint_id: UUID | None
    scopes: list[str]
    role: str | None
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    name: str


async def add_user(session: AsyncSession, user: User) -> None:
    """Raises AccountTaken when the user name or email belongs to somebody else."""
    session.add(user)
    try:
        await session.flush()
    except IntegrityError as error:
        field = "email" if "uq_users_email" in str(error.orig) else "username"
        raise AccountTaken(field) from error


_USER = select(User).where(User.id == bindparam("user"))


async def get_user(session: AsyncSession, user_id: UUID) -> User | None:
    return await session.scalar(_USER, {"user": user_id})


_EMAILS = select(User.id, User.email).where(any_id(User.id, "users"))


async def emails(session: AsyncSession, user_ids: list[UUID]) -> dict[UUID, str]:
    return {row.id: row.email for row in await session.execute(_EMAILS, {"users": user_ids})}


async def look_up_token(database: Database, digest: bytes) -> TokenFound | None:
    row = await database.look_up(_LOOKUP_TOKEN, digest=digest)
    return TokenFound(*tuple(row)) if row else None


async def find_token(session: AsyncSession, digest: bytes) -> TokenFound | None:
    """The same inside a transaction."""
    row = (await session.execute(_LOOKUP_TOKEN, {"digest": digest})).first()
    return TokenFound(*row) if row else None


async def add_token(session: AsyncSession, token: Token) -> None:
    session.add(token)
    await session.flush()


async def get_token(session: AsyncSession, tenant_id: UUID, token_id: UUID) -> Token | None:
    """One that still works or did until it expired, held against others who change it."""
    query = select(Token).where(
        Token.tenant_id == tenant_id, Token.id == token_id, Token.revoked_at.is_(None)
    )
    return await session.scalar(query.with_for_update().execution_options(populate_existing=True))


async def list_tokens(session: AsyncSession, tenant_id: UUID, kind: str) -> list[Token]:
    """Tokens that still work or may be rotated, newest first."""
    query = select(Token).where(Token.tenant_id == tenant_id, Token.kind == kind, Token.revoked_at.is_(None))
    return list(await session.scalars(query.order_by(Token.id.desc())))


async def page_of_tokens(
    session: AsyncSession,
    tenant_id: UUID,
    kind: str,
    user_id: UUID | None,
    *,
    before: UUID | None,
    limit: int,
) -> list[tuple[Token, str]]:
    """Tokens of that kind with their owners' user names, newest first: a person's own when `user_id` is given."""
    query = (
        select(Token, User.username)
        .join(User, User.id == Token.user_id)
        .where(Token.tenant_id == tenant_id, Token.kind == kind, Token.revoked_at.is_(None))
    )
    if user_id is not None:
        query = query.where(Token.user_id == user_id)
    if before is not None:
        query = query.where(Token.id < before)
    rows = await session.execute(query.order_by(Token.id.desc()).limit(limit))
    return [(token, name) for token, name in rows]


async def revoke_member_tokens(session: AsyncSession, tenant_id: UUID, user_id: UUID, now: datetime) -> None:
    """Of every kind: also enrolment tokens that this person made."""
    await session.execute(
        update(Token)
        .where(Token.tenant_id == tenant_id, Token.user_id == user_id, Token.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def set_session_scopes(
    session: AsyncSession, tenant_id: UUID, user_id: UUID, scopes: Sequence[str]
) -> None:
    await session.execute(
        update(Token)
        .where(Token.tenant_id == tenant_id, Token.user_id == user_id, Token.kind == "session")
        .values(scopes=list(scopes))
    )


async def revoke_token(
    session: AsyncSession, tenant_id: UUID, token_id: UUID, now: datetime, **match: Any
) -> bool:
    """Whether there was such a token to revoke."""
    result = await session.execute(
        update(Token)
        .where(Token.tenant_id == tenant_id, Token.id == token_id, Token.revoked_at.is_(None))
        .filter_by(**match)
        .values(revoked_at=now)
        .returning(Token.id)
    )
    return result.first() is not None


async def revoke_endpoint_tokens(
    session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, now: datetime
) -> None:
    await session.execute(
        update(Token)
        .where(Token.tenant_id == tenant_id, Token.endpoint_id == endpoint_id, Token.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def mark_used(session: AsyncSession, tenant_id: UUID, token_id: UUID, now: datetime) -> UUID | None:
    """Note the use; answers the id of the token this one replaces, if any."""
    result = await session.execute(
        update(Token)
        .where(Token.tenant_id == tenant_id, Token.id == token_id)
        .values(last_used_at=now)
        .returning(Token.replaces_id)
    )
    return result.scalar_one_or_none()


async def consume_enrollment(
    session: AsyncSession, tenant_id: UUID, token_id: UUID, now: datetime
) -> dict[str, str] | None:
    """Take one use of an enrolment token in one statement; its labels, or None when nothing is left."""
    result = await session.execute(
        update(Token)
        .where(
            Token.tenant_id == tenant_id,
            Token.id == token_id,
            Token.kind == "enrollment",
            Token.uses_left > 0,
            Token.revoked_at.is_(None),
            Token.expires_at > now,
        )
        .values(uses_left=Token.uses_left - 1, last_used_at=now)
        .returning(Token.labels)
    )
    labels: dict[str, str] | None = result.scalar_one_or_none()
    return labels
