"""What came of handing messages over."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import CursorResult, Update, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts.models import Delivery, DeliveryAttempt
from crontopus_api.kit.sql import any_id, table
from crontopus_api.live.topics import CHANNEL, announcement

_RECENT = (
    select(DeliveryAttempt.at)
    .where(
        DeliveryAttempt.tenant_id == bindparam("tenant"),
        DeliveryAttempt.channel_id == bindparam("channel"),
        DeliveryAttempt.target == bindparam("target"),
        DeliveryAttempt.at > bindparam("since"),
        DeliveryAttempt.ok,
    )
    .order_by(DeliveryAttempt.at)
)


async def recent(
    session: AsyncSession, tenant_id: UUID, channel_id: UUID, target: str, since: datetime
) -> list[datetime]:
    """When the messages since then were taken, oldest first."""
    given = {"tenant": tenant_id, "channel": channel_id, "target": target, "since": since}
    return list(await session.scalars(_RECENT, given))


# By name: a column that a newer version adds gets its default.
_COLUMNS = "tenant_id, id, channel_id, target, message_id, size, at, took_ms, ok, status, response, error"
# What nearly every attempt comes to, in one statement.
_TAKEN = text(
    f"""
    WITH its AS (
        SELECT c.failures > 0 OR c.open_until IS NOT NULL OR c.state = 'broken' AS mended
        FROM channels c WHERE c.tenant_id = :tenant AND c.id = :channel
    ), tried AS (
        INSERT INTO delivery_attempts ({_COLUMNS})
        SELECT {_COLUMNS} FROM its, json_populate_record(NULL::delivery_attempts, CAST(:attempt AS json))
    ), sent AS (
        UPDATE deliveries d SET state = 'sent', attempts = d.attempts + 1, last_error = NULL, sent_at = :now,
            next_at = NULL, receipt = CAST(:receipt AS jsonb)
        FROM its
        WHERE d.tenant_id = :tenant AND d.id = ANY(CAST(:deliveries AS uuid[])) AND d.state = 'pending'
    )
    SELECT its.mended, pg_notify(:live, :announcement) FROM its
    """  # noqa: S608 - names of our own columns
)


async def taken(
    session: AsyncSession,
    attempt: dict[str, Any],
    delivery_ids: Sequence[UUID],
    receipt: dict[str, Any] | None,
) -> bool | None:
    """The attempt (a row) went well: so its deliveries are sent, and whoever looks at them hears of it. Answers whether
    the channel had been in trouble until then; None: it was deleted meanwhile, and with it what was waiting."""
    given = {
        "tenant": attempt["tenant_id"],
        "channel": attempt["channel_id"],
        "attempt": msgspec.json.encode(attempt).decode(),
        "deliveries": list(delivery_ids),
        "now": attempt["at"],
        "receipt": msgspec.json.encode(receipt).decode() if receipt else None,
        "live": CHANNEL,
    }
    given |= announcement(attempt["tenant_id"], "incidents")
    row = (await session.execute(_TAKEN, given)).first()
    return None if row is None else row.mended


async def note_attempt(
    session: AsyncSession, tenant_id: UUID, delivery_ids: Sequence[UUID], **values: Any
) -> None:
    """One more attempt at each; `values`: what else changes. What nobody waits for any more stays as it is."""
    given = {"of_tenant": tenant_id, "deliveries": list(delivery_ids)}
    await session.execute(_note_attempt(tuple(sorted(values))), given | values)


@cache
def _note_attempt(names: tuple[str, ...]) -> Update:
    attempted = (
        update(table(Delivery))
        .where(
            Delivery.tenant_id == bindparam("of_tenant"),
            any_id(Delivery.id, "deliveries"),
            Delivery.state == "pending",
        )
        .values(attempts=Delivery.attempts + 1)
    )
    return attempted.values({name: bindparam(name) for name in names})


async def attempts(
    session: AsyncSession, tenant_id: UUID, message_id: UUID, limit: int
) -> Sequence[DeliveryAttempt]:
    """Newest first."""
    query = (
        select(DeliveryAttempt)
        .where(DeliveryAttempt.tenant_id == tenant_id, DeliveryAttempt.message_id == message_id)
        .order_by(DeliveryAttempt.at.desc(), DeliveryAttempt.id.desc())
        .limit(limit)
    )
    return (await session.scalars(query)).all()


# cross-tenant: age alone decides
_FORGET = text(
    """
    DELETE FROM delivery_attempts a USING (
        SELECT tenant_id, id FROM delivery_attempts WHERE at < :before ORDER BY at LIMIT :limit
    ) old
    WHERE (a.tenant_id, a.id) = (old.tenant_id, old.id)
    """
)


async def forget_attempts(session: AsyncSession, before: datetime, limit: int) -> int:
    """Of every tenant, in the scanner's role; how many."""
    result = await session.execute(_FORGET, {"before": before, "limit": limit})
    assert isinstance(result, CursorResult)
    return result.rowcount
