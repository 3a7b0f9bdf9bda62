from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

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


async def add(session: AsyncSession, *rows: Incident | IncidentEvent | Delivery) -> None:
    session.add_all(rows)
    await session.flush()


async def add_rows(
    session: AsyncSession,
    model: type[Incident] | type[IncidentEvent] | type[Delivery],
    rows: Sequence[dict[str, Any]],
) -> None:
    """Many at once, past the unit of work."""
    if rows:
        await session.execute(insert(table(model)), list(rows))


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


async def get_delivery(session: AsyncSession, tenant_id: UUID, delivery_id: UUID) -> Delivery | None:
    query = select(Delivery).where(Delivery.tenant_id == tenant_id, Delivery.id == delivery_id)
    return await session.scalar(query)


async def first_delivery(
    session: AsyncSession, tenant_id: UUID, incident_id: UUID, target: str
) -> Delivery | None:
    """The one that began the thread of an incident at a target."""
    query = (
        select(Delivery)
        .where(
            Delivery.tenant_id == tenant_id, Delivery.incident_id == incident_id, Delivery.target == target
        )
        .order_by(Delivery.id)
        .limit(1)
    )
    return await session.scalar(query)


async def change_delivery(session: AsyncSession, tenant_id: UUID, delivery_id: UUID, **values: Any) -> None:
    await session.execute(
        update(Delivery).where(Delivery.tenant_id == tenant_id, Delivery.id == delivery_id).values(**values)
    )
