"""A person's sessions, in whichever tenants they are: row-level security shows them their own only."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.models import Token


async def live(
    session: AsyncSession,
    user_id: UUID,
    tenant_ids: Iterable[UUID],
    now: datetime,
    *,
    before: UUID | None,
    limit: int,
) -> Sequence[Token]:
    """Those that still work, newest first. In a tenant that one has left (not in `tenant_ids`) none does."""
    # cross-tenant: a person's own sessions, in all tenants that they are a member of
    query = select(Token).where(
        Token.tenant_id.in_(list(tenant_ids)),
        Token.user_id == user_id,
        Token.kind == "session",
        Token.revoked_at.is_(None),
        Token.expires_at > now,
    )
    if before is not None:
        query = query.where(Token.id < before)
    return (await session.scalars(query.order_by(Token.id.desc()).limit(limit))).all()


async def revoke(
    session: AsyncSession,
    user_id: UUID,
    now: datetime,
    *,
    only: UUID | None = None,
    but: UUID | None = None,
) -> Sequence[Token]:
    """End a person's sessions: all, `only` one, or all `but` one. Answers those that were ended."""
    query = update(Token).where(  # cross-tenant: a person's own sessions
        Token.user_id == user_id, Token.kind == "session", Token.revoked_at.is_(None), Token.expires_at > now
    )
    if only is not None:
        query = query.where(Token.id == only)
    if but is not None:
        query = query.where(Token.id != but)
    return (await session.scalars(query.values(revoked_at=now).returning(Token))).all()


async def delete_over(session: AsyncSession) -> int:
    """Take away sessions that ended a month ago; the scanner's role, in which this runs, sees no others."""
    # cross-tenant: upkeep of everybody's
    gone = await session.execute(delete(Token).where(Token.kind == "session").returning(Token.id))
    return len(gone.all())
