"""What happened and waits to become incidents: status changes and events of endpoints, claimed for several tenants
at once.

One worker at a time works for a tenant, so that what belongs together is seen together and in order; a change is taken
only when no earlier one of its instance waits. The rows stay locked until what they lead to is committed: a worker that
is killed has claimed nothing.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints.service import HEARTBEAT_SECONDS, OFFLINE_AFTER
from crontopus_api.kit.sql import Key

BATCH = 2500
# However many tenants share a batch: who has much to tell is done in few batches all the same.
_LEAST_OF_EACH = 50
# One heartbeat may be on its way. Who has missed one is about to be heard of, or to be declared offline.
OVERDUE_AFTER = timedelta(seconds=1.5 * HEARTBEAT_SECONDS)
# Whatever becomes of the endpoint: nothing is held for ever.
LONGEST_HOLD = 2 * OFFLINE_AFTER


class Claimed(NamedTuple):
    """What happened to an instance, as an incident is concluded from it."""

    tenant_id: UUID
    instance_id: UUID
    job_id: UUID
    endpoint_id: UUID | None
    to_state: str
    reason: str
    at: datetime

    @property
    def instance(self) -> Key:
        return Key(self.tenant_id, self.instance_id)

    @property
    def job(self) -> Key:
        return Key(self.tenant_id, self.job_id)

    @property
    def endpoint(self) -> Key | None:
        return Key(self.tenant_id, self.endpoint_id) if self.endpoint_id is not None else None


# A miss on an endpoint that may be declared offline in a moment: then that is the news, and this a part of it.
_HELD = """
    c.to_state = 'missed' AND c.recorded_at > :held_since AND EXISTS (
        SELECT FROM endpoints p
        WHERE p.tenant_id = c.tenant_id AND p.id = c.endpoint_id AND p.last_seen_at < :overdue
            AND p.offline_since IS NULL AND p.revoked_at IS NULL AND p.locked_at IS NULL
    )
"""
# From tenant to tenant through the index of what waits: it takes as long as there are tenants, not changes.
_SKIP = """
    {name} AS (
        (SELECT tenant_id FROM {table} WHERE claimed_at IS NULL ORDER BY tenant_id LIMIT 1)
        UNION ALL
        SELECT (SELECT w.tenant_id FROM {table} w WHERE w.claimed_at IS NULL AND w.tenant_id > {name}.tenant_id
            ORDER BY w.tenant_id LIMIT 1)
        FROM {name} WHERE {name}.tenant_id IS NOT NULL
    )
"""
# cross-tenant: workers see who waits, whoever it is; longest first
_WAITING = text(
    f"""
    WITH RECURSIVE {_SKIP.format(name="changed", table="status_changes")},
        {_SKIP.format(name="happened", table="endpoint_events")}
    SELECT t.tenant_id FROM (
        SELECT coalesce(h.tenant_id, o.tenant_id) AS tenant_id, h.since
        FROM (
            SELECT changed.tenant_id, first.since FROM changed, LATERAL (
                SELECT c.recorded_at AS since FROM status_changes c
                WHERE c.tenant_id = changed.tenant_id AND c.claimed_at IS NULL AND NOT ({_HELD})
                ORDER BY c.recorded_at LIMIT 1
            ) first
        ) h FULL JOIN (SELECT tenant_id FROM happened WHERE tenant_id IS NOT NULL) o ON o.tenant_id = h.tenant_id
    ) t WHERE t.tenant_id <> ALL(CAST(:passed_over AS uuid[]))
    ORDER BY t.since NULLS FIRST
    """  # noqa: S608 - our own words
)
_ALONE = text(
    """
    SELECT tenant FROM unnest(CAST(:tenants AS uuid[])) tenant
    WHERE pg_try_advisory_xact_lock(hashtextextended('incidents/' || tenant, 0))
    """
)
# Versions have no gaps, and are claimed in order: the one before tells of all before. It is looked up, not joined, and
# rows are updated by their place: where nothing has waited for long PostgreSQL believes that there is a row or two, and
# its join goes through all that waits for each of them.
_CHANGES = text(
    f"""
    WITH due AS MATERIALIZED (
        SELECT d.* FROM unnest(CAST(:tenants AS uuid[])) w(tenant_id), LATERAL (
            SELECT c.ctid AS place FROM status_changes c
            WHERE c.tenant_id = w.tenant_id AND c.claimed_at IS NULL AND NOT ({_HELD}) AND (
                SELECT e.claimed_at IS NULL FROM status_changes e
                WHERE e.tenant_id = c.tenant_id AND e.instance_id = c.instance_id AND e.version = c.version - 1
            ) IS NOT TRUE
            ORDER BY c.recorded_at LIMIT :most
            FOR UPDATE OF c SKIP LOCKED
        ) d
    )
    UPDATE status_changes c SET claimed_at = :now FROM due
    WHERE c.ctid = due.place
    RETURNING c.{", c.".join(Claimed._fields)}
    """  # noqa: S608 - names of our own columns
)
_EVENTS = text(
    """
    WITH due AS MATERIALIZED (
        SELECT d.* FROM unnest(CAST(:tenants AS uuid[])) w(tenant_id), LATERAL (
            SELECT e.ctid AS place FROM endpoint_events e
            WHERE e.tenant_id = w.tenant_id AND e.claimed_at IS NULL
            ORDER BY e.endpoint_id, e.id LIMIT :most
            FOR UPDATE SKIP LOCKED
        ) d
    )
    UPDATE endpoint_events e SET claimed_at = :now FROM due
    WHERE e.ctid = due.place
    RETURNING e.tenant_id, e.endpoint_id
    """
)


def _holding(now: datetime) -> dict[str, datetime]:
    return {"overdue": now - OVERDUE_AFTER, "held_since": now - LONGEST_HOLD}


async def waiting(session: AsyncSession, now: datetime, passed_over: Collection[UUID] = ()) -> list[UUID]:
    """The tenants for whom there is something to do. In the scanner's role. `passed_over`: those left waiting."""
    given = {"passed_over": list(passed_over), **_holding(now)}
    return list(await session.scalars(_WAITING, given))


async def alone(session: AsyncSession, tenant_ids: Collection[UUID]) -> list[UUID]:
    """Those for whom no other worker is at work; then none is until this transaction ends."""
    return list(await session.scalars(_ALONE, {"tenants": list(tenant_ids)}))


async def claim(session: AsyncSession, tenant_ids: Collection[UUID], now: datetime) -> list[Claimed]:
    """The tenants' next changes, at most one per instance, in order of time. In the scanner's role."""
    given = _of_each(tenant_ids) | {"now": now} | _holding(now)
    rows = await session.execute(_CHANGES, given)
    return sorted((Claimed(*row) for row in rows), key=lambda change: change.at)


async def claim_endpoints(session: AsyncSession, tenant_ids: Collection[UUID], now: datetime) -> list[Key]:
    """The endpoints that something happened to, each as often as it did. In the scanner's role."""
    rows = await session.execute(_EVENTS, _of_each(tenant_ids) | {"now": now})
    return [Key(*row) for row in rows]


def _of_each(tenant_ids: Collection[UUID]) -> dict[str, Any]:
    most = max(BATCH // len(tenant_ids), _LEAST_OF_EACH) if tenant_ids else 0
    return {"tenants": list(tenant_ids), "most": most}
