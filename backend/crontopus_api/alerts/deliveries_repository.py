from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts.models import Delivery, Incident
from crontopus_api.kit.sql import WANTED, Key, any_id, sent, table


class Waiting(NamedTuple):
    """A delivery that is still to be made, with what it tells of."""

    id: UUID
    incident_id: UUID
    event: str
    attempts: int
    created_at: datetime
    message_id: UUID | None
    next_at: datetime | None
    expires_at: datetime | None
    kind: str
    title: str
    cause: str | None
    severity: str
    opened_at: datetime
    resolved_at: datetime | None
    acknowledged_by: str | None


_OF_DELIVERY = 8


_WAITING = (
    select(
        *(getattr(Delivery, name) for name in Waiting._fields[:_OF_DELIVERY]),
        *(getattr(Incident, name) for name in Waiting._fields[_OF_DELIVERY:]),
    )
    .join(Incident, (Incident.tenant_id == Delivery.tenant_id) & (Incident.id == Delivery.incident_id))
    .where(
        Delivery.tenant_id == bindparam("tenant"),
        Delivery.channel_id == bindparam("channel"),
        Delivery.target == bindparam("target"),
        Delivery.state == "pending",
        Delivery.held.is_(None),
    )
    .order_by(Delivery.id)
    .limit(bindparam("most"))
)


async def waiting(
    session: AsyncSession, tenant_id: UUID, channel_id: UUID, target: str, limit: int
) -> list[Waiting]:
    """What waits for a target, oldest first. What is held does not wait: nothing follows it before it is let go."""
    given = {"tenant": tenant_id, "channel": channel_id, "target": target, "most": limit}
    return [Waiting(*row) for row in await session.execute(_WAITING, given)]


class First(NamedTuple):
    """The first delivery of an incident to a target."""

    incident_id: UUID
    id: UUID
    message_id: UUID | None
    receipt: dict[str, Any] | None


async def firsts(
    session: AsyncSession, tenant_id: UUID, channel_id: UUID, target: str, incident_ids: Sequence[UUID]
) -> dict[UUID, First]:
    query = (
        select(*(getattr(Delivery, name) for name in First._fields))
        .where(
            Delivery.tenant_id == tenant_id,
            Delivery.channel_id == channel_id,
            Delivery.target == target,
            any_id(Delivery.incident_id, incident_ids),
        )
        .ext(distinct_on(Delivery.incident_id))
        .order_by(Delivery.incident_id, Delivery.id)
    )
    return {row.incident_id: First(*row) for row in await session.execute(query)}


async def told_in(
    session: AsyncSession, tenant_id: UUID, message_ids: Sequence[UUID]
) -> dict[UUID, tuple[int, int]]:
    """By message: how many deliveries it is made of, and of how many the incident is open."""
    query = (
        select(Delivery.message_id, func.count(), func.count().filter(Incident.state != "resolved"))
        .join(Incident, (Incident.tenant_id == Delivery.tenant_id) & (Incident.id == Delivery.incident_id))
        .where(Delivery.tenant_id == tenant_id, any_id(Delivery.message_id, message_ids))
        .group_by(Delivery.message_id)
    )
    return {row[0]: (row[1], row[2]) for row in await session.execute(query) if row[0] is not None}


_SETTLE = (
    update(table(Delivery))
    .where(Delivery.tenant_id == bindparam("tenant"), any_id(Delivery.id, "deliveries"))
    .values(message_id=bindparam("message"))
)


async def settle(
    session: AsyncSession, tenant_id: UUID, delivery_ids: Sequence[UUID], message_id: UUID
) -> None:
    """From now on they go in that message, however often it is tried."""
    given = {"tenant": tenant_id, "deliveries": list(delivery_ids), "message": message_id}
    await session.execute(_SETTLE, given)


async def give_up(
    session: AsyncSession, tenant_id: UUID, channel_id: UUID, target: str | None, words: str
) -> None:
    """Everything that waits for the channel, or for one target of it."""
    statement = update(table(Delivery)).where(
        Delivery.tenant_id == tenant_id, Delivery.channel_id == channel_id, Delivery.state == "pending"
    )
    if target is not None:
        statement = statement.where(Delivery.target == target)
    await session.execute(statement.values(state="failed", last_error=words, next_at=None, held=None))


_OPENED = (
    select(
        Delivery.tenant_id,
        Delivery.incident_id,
        Delivery.channel_id,
        Delivery.channel,
        Delivery.target,
        Delivery.held,
    )
    .where(
        Delivery.tenant_id == WANTED.c.tenant_id,
        Delivery.incident_id == WANTED.c.id,
        Delivery.event == "opened",
        Delivery.channel_id.is_not(None),
    )
    .distinct()
    .order_by(Delivery.incident_id, Delivery.channel_id, Delivery.target)
)


async def told(session: AsyncSession, incidents: Collection[Key]) -> list[Any]:
    """(tenant, incident, channel, kind, target) of everybody who was told, or is about to be, that they opened."""
    return [row for row in await opened(session, incidents) if row.held is None]


async def opened(session: AsyncSession, incidents: Collection[Key]) -> list[Any]:
    """The same, and `held`, of those also who are told later."""
    return list(await session.execute(_OPENED, sent(incidents)))


async def adopt(session: AsyncSession, tenant_id: UUID, target: str, channel_id: UUID) -> None:
    """What a process of the version before wrote, which knows no channels, goes by the built-in one."""
    await session.execute(
        update(table(Delivery))
        .where(
            Delivery.tenant_id == tenant_id,
            Delivery.channel == "email",
            Delivery.target == target,
            Delivery.channel_id.is_(None),
            Delivery.state == "pending",
        )
        .values(channel_id=channel_id)
    )


async def page(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    channel_id: UUID | None,
    incident_id: UUID | None,
    state: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Delivery]:
    """Newest first."""
    query = select(Delivery).where(Delivery.tenant_id == tenant_id)
    if channel_id is not None:
        query = query.where(Delivery.channel_id == channel_id)
    if incident_id is not None:
        query = query.where(Delivery.incident_id == incident_id)
    if state is not None:
        query = query.where(Delivery.state == state)
    if after is not None:
        query = query.where(Delivery.id < after)
    return (await session.scalars(query.order_by(Delivery.id.desc()).limit(limit))).all()


async def get(session: AsyncSession, tenant_id: UUID, delivery_id: UUID) -> Delivery | None:
    query = select(Delivery).where(Delivery.tenant_id == tenant_id, Delivery.id == delivery_id)
    return await session.scalar(query)


async def lock(session: AsyncSession, tenant_id: UUID, delivery_id: UUID) -> Delivery | None:
    query = select(Delivery).where(Delivery.tenant_id == tenant_id, Delivery.id == delivery_id)
    return await session.scalar(query.with_for_update())
