from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts.models import Delivery, Incident
from crontopus_api.kit.sql import WANTED, Key, any_id, sent, table, written


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


class Whose(NamedTuple):
    """One target of a channel, to whom something is to be delivered."""

    tenant_id: UUID
    channel_id: UUID
    target: str

    @property
    def channel(self) -> Key:
        return Key(self.tenant_id, self.channel_id)


_OF_DELIVERY = 8
_WAITING = text(
    f"""
    SELECT w.tenant_id, w.channel_id, w.target, found.*
    FROM unnest(CAST(:tenants AS uuid[]), CAST(:channels AS uuid[]), CAST(:targets AS text[]))
        AS w(tenant_id, channel_id, target)
    CROSS JOIN LATERAL (
        SELECT d.{", d.".join(Waiting._fields[:_OF_DELIVERY])}, i.{", i.".join(Waiting._fields[_OF_DELIVERY:])}
        FROM deliveries d JOIN incidents i ON i.tenant_id = d.tenant_id AND i.id = d.incident_id
        WHERE d.tenant_id = w.tenant_id AND d.channel_id = w.channel_id AND d.target = w.target
            AND d.state = 'pending' AND d.held IS NULL
        ORDER BY d.id LIMIT :most
    ) found
    ORDER BY found.id
    """  # noqa: S608 - names of our own columns
)


def sent_whose(whose: Collection[Whose]) -> dict[str, list[Any]]:
    """As parameters."""
    return {
        "tenants": [each.tenant_id for each in whose],
        "channels": [each.channel_id for each in whose],
        "targets": [each.target for each in whose],
    }


async def waiting(session: AsyncSession, whose: Collection[Whose], most: int) -> dict[Whose, list[Waiting]]:
    """What waits for each target, oldest first, up to `most`. What is held does not wait: nothing follows it before it
    is let go."""
    found: dict[Whose, list[Waiting]] = {}
    for row in await session.execute(_WAITING, {**sent_whose(whose), "most": most}):
        found.setdefault(Whose(*row[:3]), []).append(Waiting(*row[3:]))
    return found


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


_SETTLE = text(
    """
    UPDATE deliveries d SET message_id = new.message
    FROM unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[]), CAST(:messages AS uuid[]))
        AS new(tenant_id, id, message)
    WHERE d.tenant_id = new.tenant_id AND d.id = new.id
    """
)


async def settle(session: AsyncSession, messages: Mapping[Key, UUID]) -> None:
    """From now on these deliveries go in that message, however often it is tried."""
    await session.execute(_SETTLE, {**sent(messages), "messages": written(messages.values())})


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
