from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.tenants.models import Invitation


class AlreadyInvited(Exception):
    pass


async def add(session: AsyncSession, invitation: Invitation) -> None:
    """Raises AlreadyInvited when an invitation to that address is open."""
    session.add(invitation)
    try:
        await session.flush()
    except IntegrityError as error:
        raise AlreadyInvited(invitation.email) from error


async def get(session: AsyncSession, tenant_id: UUID, invitation_id: UUID) -> Invitation | None:
    query = select(Invitation).where(Invitation.tenant_id == tenant_id, Invitation.id == invitation_id)
    return await session.scalar(query.execution_options(populate_existing=True))


async def page(
    session: AsyncSession, tenant_id: UUID, after: UUID | None, limit: int
) -> Sequence[Invitation]:
    """Newest first."""
    query = select(Invitation).where(Invitation.tenant_id == tenant_id)
    if after is not None:
        query = query.where(Invitation.id < after)
    return (await session.scalars(query.order_by(Invitation.id.desc()).limit(limit))).all()


async def count_open(session: AsyncSession, tenant_id: UUID, now: datetime) -> int:
    query = select(func.count()).where(Invitation.tenant_id == tenant_id, Invitation.expires_at > now)
    return await session.scalar(query) or 0


async def take(session: AsyncSession, tenant_id: UUID, invitation_id: UUID) -> Invitation | None:
    """Remove it and answer what it was, in one statement: of two who do so at once one gets nothing."""
    result = await session.execute(
        delete(Invitation)
        .where(Invitation.tenant_id == tenant_id, Invitation.id == invitation_id)
        .returning(Invitation)
    )
    return result.scalar_one_or_none()


async def forget_expired(session: AsyncSession, tenant_id: UUID, email: str, now: datetime) -> None:
    await session.execute(
        delete(Invitation).where(
            Invitation.tenant_id == tenant_id,
            func.lower(Invitation.email) == email.lower(),
            Invitation.expires_at <= now,
        )
    )


async def withdraw_of(session: AsyncSession, tenant_id: UUID, user_id: UUID, roles: Collection[str]) -> None:
    """Those that this member made and that are for one of the roles."""
    await session.execute(
        delete(Invitation).where(
            Invitation.tenant_id == tenant_id, Invitation.invited_by == user_id, Invitation.role.in_(roles)
        )
    )


async def note_mail(
    session: AsyncSession,
    tenant_id: UUID,
    invitation_id: UUID,
    *,
    sent_at: datetime | None,
    problem: str | None,
) -> None:
    await session.execute(
        update(Invitation)
        .where(Invitation.tenant_id == tenant_id, Invitation.id == invitation_id)
        .values(sent_at=sent_at, problem=problem)
    )
