from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import select

from crontopus_api.alerts.models import Incident, Reminder
from crontopus_api.kit.sql import WANTED, Key, any_id, sent, table

# cross-tenant: whose turn it is, is the question
_DUE = text(
    """
    SELECT tenant_id FROM reminders
    WHERE due_at <= :now AND tenant_id <> ALL(CAST(:passed_over AS uuid[]))
    UNION
    SELECT tenant_id FROM deliveries
    WHERE state = 'pending' AND held IS NOT NULL AND next_at <= :now
        AND tenant_id <> ALL(CAST(:passed_over AS uuid[]))
    LIMIT :limit
    """
)
_POSTPONE = text(
    """
    UPDATE reminders r SET due_at = new.due_at, step = r.step + new.steps
    FROM unnest(CAST(:ids AS uuid[]), CAST(:due AS timestamptz[]), CAST(:steps AS integer[]))
        AS new(id, due_at, steps)
    WHERE r.tenant_id = :tenant AND r.id = new.id
    """
)


class Due(NamedTuple):
    reminder: Reminder
    incident: Incident


class Postponed(NamedTuple):
    """`steps`: how often it was told again just now."""

    id: UUID
    due_at: datetime
    steps: int


async def tenants_with_due(
    session: AsyncSession, now: datetime, passed_over: Collection[UUID], limit: int
) -> list[UUID]:
    """Of whom something is due, a reminder or what was held. In the scanner's role."""
    rows = await session.execute(_DUE, {"now": now, "passed_over": list(passed_over), "limit": limit})
    return [row[0] for row in rows]


async def claim(session: AsyncSession, tenant_id: UUID, now: datetime, limit: int) -> list[Due]:
    """What is due, with its incident, both locked. What another transaction has its hands on is left to the next
    round: it may be just over."""
    query = (
        select(Reminder, Incident)
        .join(Incident, (Incident.tenant_id == Reminder.tenant_id) & (Incident.id == Reminder.incident_id))
        .where(Reminder.tenant_id == tenant_id, Reminder.due_at <= now)
        .order_by(Reminder.due_at, Reminder.id)
        .limit(limit)
        .with_for_update(of=[Reminder, Incident], skip_locked=True)
    )
    return [Due(*row) for row in await session.execute(query)]


async def postpone(session: AsyncSession, tenant_id: UUID, rows: Sequence[Postponed]) -> None:
    if rows:
        values = {
            "tenant": tenant_id,
            "ids": [each.id for each in rows],
            "due": [each.due_at for each in rows],
            "steps": [each.steps for each in rows],
        }
        await session.execute(_POSTPONE, values)


async def remove(session: AsyncSession, tenant_id: UUID, ids: Sequence[UUID]) -> None:
    if ids:
        await session.execute(
            delete(table(Reminder)).where(Reminder.tenant_id == tenant_id, any_id(Reminder.id, ids))
        )


_FORGET = delete(table(Reminder)).where(
    Reminder.tenant_id == WANTED.c.tenant_id, Reminder.incident_id == WANTED.c.id
)


async def forget(session: AsyncSession, incidents: Collection[Key]) -> None:
    """Nobody is to be reminded of these incidents any more."""
    await session.execute(_FORGET, sent(incidents))


async def forget_snooze(session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> None:
    await session.execute(
        delete(table(Reminder)).where(
            Reminder.tenant_id == tenant_id, Reminder.incident_id == incident_id, Reminder.kind == "snooze"
        )
    )
