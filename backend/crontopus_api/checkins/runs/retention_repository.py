"""Deleting what is old, in batches. All of it is for the scanner's role."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

BATCH = 5_000
Delete = Callable[..., Awaitable[int]]
"""Deletes a batch at most; how many rows went."""

_RUNS = text(
    """
    WITH old AS MATERIALIZED (
        SELECT tenant_id, partition_at, id FROM runs
        WHERE tenant_id = :tenant AND partition_at < :ordinary
          AND (partition_at < :wrong OR state NOT IN ('failure', 'timeout', 'lost', 'missed'))
        ORDER BY partition_at, id LIMIT :batch
    ), outputs AS (
        DELETE FROM run_outputs o USING old
        WHERE o.tenant_id = old.tenant_id AND o.partition_at = old.partition_at AND o.run_id = old.id
    )
    DELETE FROM runs r USING old
    WHERE r.tenant_id = old.tenant_id AND r.partition_at = old.partition_at AND r.id = old.id
    """
)
# cross-tenant: messages are remembered equally long for all
# By place in the file: rows that nobody changes stay where they are, and no index but the coarse one on time is needed.
_KEYS = text(
    "DELETE FROM run_keys WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM run_keys WHERE created_at < :before LIMIT :batch))"
)
_CHANGES = text(
    """
    WITH old AS MATERIALIZED (
        SELECT tenant_id, instance_id, version FROM status_changes
        WHERE tenant_id = :tenant AND recorded_at < :before AND claimed_at IS NOT NULL LIMIT :batch
    )
    DELETE FROM status_changes c USING old
    WHERE c.tenant_id = old.tenant_id AND c.instance_id = old.instance_id AND c.version = old.version
    """
)
# cross-tenant: days are kept equally long for all
_ROLLUPS = text("DELETE FROM run_rollups WHERE day < :before")


async def delete_runs(session: AsyncSession, tenant_id: UUID, ordinary: datetime, wrong: datetime) -> int:
    """Runs older than `ordinary` with their output; those that went wrong only when older than `wrong`."""
    return await _count(session, _RUNS, tenant=tenant_id, ordinary=ordinary, wrong=wrong, batch=BATCH)


async def delete_keys(session: AsyncSession, before: datetime) -> int:
    return await _count(session, _KEYS, before=before, batch=BATCH)


async def delete_changes(session: AsyncSession, tenant_id: UUID, before: datetime) -> int:
    return await _count(session, _CHANGES, tenant=tenant_id, before=before, batch=BATCH)


async def delete_rollups(session: AsyncSession, before: date) -> None:
    await session.execute(_ROLLUPS, {"before": before})


async def _count(session: AsyncSession, statement: TextClause, **parameters: Any) -> int:
    result = await session.execute(statement, parameters)
    assert isinstance(result, CursorResult)
    return result.rowcount
