"""Deliveries that wait for quiet hours, a window or a mute to end."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts.backing_off import GIVE_UP
from crontopus_api.alerts.models import Delivery, Incident
from crontopus_api.kit.sql import WANTED, Key, sent, table


class Spared(NamedTuple):
    incident: Key
    held: str


_WITHDRAW = (
    delete(table(Delivery))
    .where(
        Delivery.tenant_id == WANTED.c.tenant_id,
        Delivery.incident_id == WANTED.c.id,
        Delivery.state == "pending",
        Delivery.held.is_not(None),
    )
    .returning(Delivery.tenant_id, Delivery.incident_id, Delivery.held)
)


async def withdraw_held(session: AsyncSession, incidents: Collection[Key]) -> list[Spared]:
    """What nobody was told yet of these incidents, nobody will be."""
    rows = await session.execute(_WITHDRAW, sent(incidents))
    return [Spared(Key(tenant_id, incident), str(held)) for tenant_id, incident, held in rows]


class HeldBack(NamedTuple):
    """A delivery that is to be judged anew, and what it tells of."""

    id: UUID
    channel_id: UUID
    channel: str
    target: str
    incident: Incident


async def claim_held(session: AsyncSession, tenant_id: UUID, now: datetime, limit: int) -> list[HeldBack]:
    """Locked, with their incidents; what another transaction has its hands on is left to the next round."""
    query = (
        select(Delivery.id, Delivery.channel_id, Delivery.channel, Delivery.target, Incident)
        .join(Incident, (Incident.tenant_id == Delivery.tenant_id) & (Incident.id == Delivery.incident_id))
        .where(
            Delivery.tenant_id == tenant_id,
            Delivery.state == "pending",
            Delivery.held.is_not(None),
            Delivery.channel_id.is_not(None),
            Delivery.next_at <= now,
        )
        .order_by(Delivery.id)
        .limit(limit)
        .with_for_update(of=[Delivery, Incident], skip_locked=True)
    )
    return [
        HeldBack(row.id, row.channel_id, row.channel, row.target, row.Incident)
        for row in await session.execute(query)
    ]


class Judged(NamedTuple):
    """`until`, `held`: None when it may go out."""

    id: UUID
    until: datetime | None
    held: str | None


_HOLD = text(
    """
    UPDATE deliveries d SET next_at = new.until, held = new.held,
        expires_at = coalesce(new.until, :now) + CAST(:give_up AS interval)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:until AS timestamptz[]), CAST(:held AS text[]))
        AS new(id, until, held)
    WHERE d.tenant_id = :tenant AND d.id = new.id
    """
)


async def hold(session: AsyncSession, tenant_id: UUID, judged: Sequence[Judged], now: datetime) -> None:
    if judged:
        values = {
            "tenant": tenant_id,
            "now": now,
            "give_up": GIVE_UP,
            "ids": [each.id for each in judged],
            "until": [each.until for each in judged],
            "held": [each.held for each in judged],
        }
        await session.execute(_HOLD, values)


async def judge_again(session: AsyncSession, tenant_id: UUID, now: datetime) -> None:
    """Everything that is held, in the next round."""
    await session.execute(
        update(table(Delivery))
        .where(
            Delivery.tenant_id == tenant_id,
            Delivery.state == "pending",
            Delivery.held.is_not(None),
            Delivery.next_at > now,
        )
        .values(next_at=now)
    )
