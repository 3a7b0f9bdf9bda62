from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts.models import Channel
from crontopus_api.kit.sql import TENANTS, WANTED, Key, sent, table


class NameTaken(Exception):
    """The tenant has a channel of that name."""


async def page(session: AsyncSession, tenant_id: UUID, after: UUID | None, limit: int) -> Sequence[Channel]:
    query = select(Channel).where(Channel.tenant_id == tenant_id)
    if after is not None:
        query = query.where(Channel.id > after)
    return (await session.scalars(query.order_by(Channel.id).limit(limit))).all()


_USABLE = (
    select(Channel)
    .where(Channel.tenant_id == TENANTS.c.tenant_id, or_(Channel.state != "unverified", Channel.builtin))
    .order_by(Channel.id)
)
_ONE = select(Channel).where(Channel.tenant_id == bindparam("tenant"), Channel.id == bindparam("channel"))


async def usable(session: AsyncSession, tenant_ids: Collection[UUID]) -> Sequence[Channel]:
    """Those that may be told something, and the built-in ones in any case."""
    return (await session.scalars(_USABLE, {"tenants": list(tenant_ids)})).all()


async def get(session: AsyncSession, tenant_id: UUID, channel_id: UUID) -> Channel | None:
    return await session.scalar(_ONE, {"tenant": tenant_id, "channel": channel_id})


_KNOWN = select(Channel).where(Channel.tenant_id == WANTED.c.tenant_id, Channel.id == WANTED.c.id)


async def known(session: AsyncSession, channels: Collection[Key]) -> dict[Key, Channel]:
    """Those of them that there are."""
    found = await session.scalars(_KNOWN, sent(channels))
    return {Key(each.tenant_id, each.id): each for each in found}


async def lock(session: AsyncSession, tenant_id: UUID, channel_id: UUID) -> Channel | None:
    query = select(Channel).where(Channel.tenant_id == tenant_id, Channel.id == channel_id)
    return await session.scalar(query.with_for_update())


async def count(session: AsyncSession, tenant_id: UUID) -> int:
    """Those that somebody made."""
    query = select(func.count()).where(Channel.tenant_id == tenant_id, Channel.builtin.is_(False))
    return await session.scalar(query) or 0


async def add(session: AsyncSession, channel: Channel) -> None:
    """Raises NameTaken."""
    session.add(channel)
    await flush(session)


async def flush(session: AsyncSession) -> None:
    """Write what was changed. Raises NameTaken."""
    try:
        async with session.begin_nested():
            await session.flush()
    except IntegrityError as error:
        if "uq_channels_name" in str(error.orig):
            raise NameTaken from error
        raise


async def ensure(session: AsyncSession, tenant_id: UUID, row: dict[str, Any]) -> None:
    """Add the built-in one unless it is there; `row` without the tenant."""
    statement = insert(table(Channel)).values(tenant_id=tenant_id, **row)
    await session.execute(statement.on_conflict_do_nothing())


async def remove(session: AsyncSession, tenant_id: UUID, channel_id: UUID) -> None:
    await session.execute(
        delete(table(Channel)).where(Channel.tenant_id == tenant_id, Channel.id == channel_id)
    )


async def claim_probe(
    session: AsyncSession, tenant_id: UUID, channel_id: UUID, seen: datetime, until: datetime
) -> bool:
    """Whether it is for the caller to try: `seen` is when the breaker was to be half open; one gets it."""
    result = await session.execute(
        update(table(Channel))
        .where(Channel.tenant_id == tenant_id, Channel.id == channel_id, Channel.open_until == seen)
        .values(open_until=until)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
