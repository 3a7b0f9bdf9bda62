from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crontopus_api.alerts.models import Delivery, Incident, IncidentEvent
from crontopus_api.kit.sql import any_id, table


async def open_of_instances(
    session: AsyncSession, tenant_id: UUID, instance_ids: Sequence[UUID]
) -> dict[UUID, Incident]:
    """By instance, locked."""
    rows = await session.scalars(
        select(Incident)
        .where(
            Incident.tenant_id == tenant_id,
            any_id(Incident.instance_id, instance_ids),
            Incident.state != "resolved",
        )
        .order_by(Incident.id)
        .with_for_update()
    )
    return {row.instance_id: row for row in rows if row.instance_id is not None}


async def page(
    session: AsyncSession, tenant_id: UUID, state: str | None, after: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Incident]:
    """Newest first."""
    query = select(Incident).where(Incident.tenant_id == tenant_id)
    if state is not None:
        query = query.where(Incident.state == state)
    if after is not None:
        query = query.where(func.row(Incident.opened_at, Incident.id) < func.row(*after))
    query = query.order_by(Incident.opened_at.desc(), Incident.id.desc())
    return (await session.scalars(query.limit(limit))).all()


async def get(session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> Incident | None:
    query = select(Incident).where(Incident.tenant_id == tenant_id, Incident.id == incident_id)
    return await session.scalar(query)


async def events(session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> Sequence[IncidentEvent]:
    """Oldest first."""
    query = (
        select(IncidentEvent)
        .where(IncidentEvent.tenant_id == tenant_id, IncidentEvent.incident_id == incident_id)
        .order_by(IncidentEvent.at, IncidentEvent.id)
    )
    return (await session.scalars(query)).all()


async def deliveries(session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> Sequence[Delivery]:
    """Oldest first."""
    query = (
        select(Delivery)
        .where(Delivery.tenant_id == tenant_id, Delivery.incident_id == incident_id)
        .order_by(Delivery.id)
    )
    return (await session.scalars(query)).all()


class Waiting(NamedTuple):
    """A delivery that is still to be made, with what it tells of. `thread_id`: the first one of the incident there."""

    id: UUID
    incident_id: UUID
    event: str
    attempts: int
    created_at: datetime
    title: str
    cause: str | None
    severity: str
    opened_at: datetime
    resolved_at: datetime | None
    thread_id: UUID


async def waiting(
    session: AsyncSession, tenant_id: UUID, channel: str, target: str, limit: int
) -> list[Waiting]:
    """What waits for a target, oldest first."""
    first = aliased(Delivery)
    thread = (
        select(first.id)
        .where(
            first.tenant_id == Delivery.tenant_id,
            first.incident_id == Delivery.incident_id,
            first.channel == Delivery.channel,
            first.target == Delivery.target,
        )
        .order_by(first.id)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(
            *(getattr(Delivery, name) for name in Waiting._fields[:5]),
            *(getattr(Incident, name) for name in Waiting._fields[5:10]),
            thread,
        )
        .join(Incident, (Incident.tenant_id == Delivery.tenant_id) & (Incident.id == Delivery.incident_id))
        .where(
            Delivery.tenant_id == tenant_id,
            Delivery.channel == channel,
            Delivery.target == target,
            Delivery.state == "pending",
        )
        .order_by(Delivery.id)
        .limit(limit)
    )
    return [Waiting(*row) for row in await session.execute(query)]


async def note_attempt(
    session: AsyncSession,
    tenant_id: UUID,
    delivery_ids: Sequence[UUID],
    *,
    state: str,
    error: str | None,
    sent_at: datetime | None,
) -> None:
    await session.execute(
        update(table(Delivery))
        .where(Delivery.tenant_id == tenant_id, any_id(Delivery.id, delivery_ids))
        .values(state=state, attempts=Delivery.attempts + 1, last_error=error, sent_at=sent_at)
    )
