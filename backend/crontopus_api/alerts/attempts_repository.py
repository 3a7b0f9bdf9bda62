"""What came of handing messages over."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import CursorResult, Update, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts.deliveries_repository import Whose, sent_whose
from crontopus_api.alerts.models import Delivery, DeliveryAttempt
from crontopus_api.kit.sql import Key, any_id, table
from crontopus_api.live.topics import CHANNEL, encode

_RECENT = text(
    """
    SELECT w.tenant_id, w.channel_id, w.target, a.at
    FROM unnest(CAST(:tenants AS uuid[]), CAST(:channels AS uuid[]), CAST(:targets AS text[]))
        AS w(tenant_id, channel_id, target)
    JOIN delivery_attempts a ON a.tenant_id = w.tenant_id AND a.channel_id = w.channel_id
        AND a.target = w.target AND a.at > :since AND a.ok
    ORDER BY a.at
    """
)


async def recent(
    session: AsyncSession, whose: Collection[Whose], since: datetime
) -> dict[Whose, list[datetime]]:
    """When the messages to each target since then were taken, oldest first."""
    found: dict[Whose, list[datetime]] = {}
    for row in await session.execute(_RECENT, {**sent_whose(whose), "since": since}):
        found.setdefault(Whose(*row[:3]), []).append(row.at)
    return found


class Taken(NamedTuple):
    """A message that was taken: the attempt (a row), what went in it, and what the medium calls it."""

    attempt: dict[str, Any]
    delivery_ids: Sequence[UUID]
    receipt: dict[str, Any] | None

    @property
    def channel(self) -> Key:
        return Key(self.attempt["tenant_id"], self.attempt["channel_id"])


# By name: a column that a newer version adds gets its default.
_COLUMNS = "tenant_id, id, channel_id, target, message_id, size, at, took_ms, ok, status, response, error"
# What nearly every attempt comes to, however many at once, in one statement.
_TAKEN = text(
    f"""
    WITH tried AS (
        SELECT a.* FROM json_populate_recordset(NULL::delivery_attempts, CAST(:attempts AS json)) a
        JOIN channels c ON c.tenant_id = a.tenant_id AND c.id = a.channel_id
        WHERE :mending OR NOT (c.failures > 0 OR c.open_until IS NOT NULL OR c.state = 'broken')
    ), noted AS (
        INSERT INTO delivery_attempts ({_COLUMNS}) SELECT {_COLUMNS} FROM tried
    ), sent AS (
        UPDATE deliveries d SET state = 'sent', attempts = d.attempts + 1, last_error = NULL, sent_at = tried.at,
            next_at = NULL, receipt = CAST(w.receipt AS jsonb)
        FROM tried JOIN unnest(
            CAST(:tenants AS uuid[]), CAST(:ids AS uuid[]), CAST(:of AS uuid[]), CAST(:receipts AS text[])
        ) AS w(tenant_id, id, attempt_id, receipt) ON w.attempt_id = tried.id
        WHERE d.tenant_id = w.tenant_id AND d.id = w.id AND d.state = 'pending'
    )
    SELECT tried.tenant_id, tried.id, pg_notify(:live, :announcement) FROM tried
    """  # noqa: S608 - names of our own columns
)


async def taken(session: AsyncSession, messages: Sequence[Taken], *, mending: bool) -> set[Key]:
    """So their deliveries are sent, and whoever looks at them hears of it. Answers of which attempts it is noted:
    nothing is of a channel that was deleted meanwhile, or, but for `mending`, that had been in trouble until then."""
    sent = [(each, delivery) for each in messages for delivery in each.delivery_ids]
    given = {
        "attempts": msgspec.json.encode([each.attempt for each in messages]).decode(),
        "mending": mending,
        "tenants": [each.attempt["tenant_id"] for each, _ in sent],
        "ids": [delivery for _, delivery in sent],
        "of": [each.attempt["id"] for each, _ in sent],
        "receipts": [
            msgspec.json.encode(each.receipt).decode() if each.receipt else None for each, _ in sent
        ],
        "live": CHANNEL,
        "announcement": encode({each.attempt["tenant_id"] for each in messages}, ["incidents"]),
    }
    return {Key(*row[:2]) for row in await session.execute(_TAKEN, given)}


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
