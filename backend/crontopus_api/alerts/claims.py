"""Status changes, claimed by workers in order per instance.

A change is taken only when no earlier one of its instance waits, and its row stays locked until the
incident it leads to is committed: two workers never handle one instance out of order.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

BATCH = 1000


class Claimed(NamedTuple):
    """What happened to an instance, as an incident is concluded from it."""

    tenant_id: UUID
    instance_id: UUID
    job_id: UUID
    endpoint_id: UUID | None
    to_state: str
    reason: str
    at: datetime


# cross-tenant: workers claim what comes first, whoever it belongs to
_CLAIM = text(
    f"""
    WITH due AS MATERIALIZED (
        SELECT c.tenant_id, c.instance_id, c.version FROM status_changes c
        WHERE c.claimed_at IS NULL AND c.tenant_id <> ALL(CAST(:passed_over AS uuid[])) AND NOT EXISTS (
            SELECT FROM status_changes e
            WHERE e.tenant_id = c.tenant_id AND e.instance_id = c.instance_id
                AND e.version < c.version AND e.claimed_at IS NULL
        )
        ORDER BY c.recorded_at LIMIT {BATCH}
        FOR UPDATE OF c SKIP LOCKED
    )
    UPDATE status_changes c SET claimed_at = :now FROM due
    WHERE c.tenant_id = due.tenant_id AND c.instance_id = due.instance_id AND c.version = due.version
    RETURNING c.{", c.".join(Claimed._fields)}
    """  # noqa: S608 - names of our own columns
)


async def claim(session: AsyncSession, now: datetime, passed_over: Collection[UUID] = ()) -> list[Claimed]:
    """The next changes to handle, at most one per instance, in order of time. In the scanner's role.

    `passed_over`: tenants whose changes are left waiting.
    """
    rows = await session.execute(_CLAIM, {"now": now, "passed_over": list(passed_over)})
    return sorted((Claimed(*row) for row in rows), key=lambda change: change.at)
