from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs.standing import shown_state_sql

MOST = 20_000
"""Instances that one answer tells of: a series each, times the metrics."""


class Sample(NamedTuple):
    """An instance's figures. Times are Unix seconds; `endpoint` is empty in ping mode."""

    namespace: str
    name: str
    endpoint: str
    state: str
    failures: int
    due: float | None
    last_run: float | None
    last_success: float | None
    last_seconds: float | None


# The last success is the last run wherever that was one; only of the others is the history asked.
_SAMPLES = text(
    f"""
    SELECT j.namespace, j.name, coalesce(e.name, ''), {shown_state_sql("s", ":now")}, s.failures,
        extract(epoch FROM s.due_at)::float8,
        extract(epoch FROM coalesce(s.last_run_finished_at, s.last_run_started_at))::float8,
        extract(epoch FROM CASE WHEN s.last_run_state = 'success' THEN s.last_run_finished_at
                                ELSE success.finished_at END)::float8,
        s.last_run_duration_ms / 1000.0::float8
    FROM instances i
    JOIN instance_status s ON s.tenant_id = i.tenant_id AND s.instance_id = i.id
    JOIN jobs j ON j.tenant_id = i.tenant_id AND j.id = i.job_id
    LEFT JOIN endpoints e ON e.tenant_id = i.tenant_id AND e.id = i.endpoint_id
    LEFT JOIN LATERAL (
        SELECT r.finished_at FROM runs r
        WHERE s.last_run_state <> 'success' AND r.tenant_id = :tenant AND r.job_id = i.job_id
            AND r.instance_id = i.id AND r.state = 'success'
            AND r.partition_at > CAST(:now AS timestamptz) - interval '35 days'
        ORDER BY r.partition_at DESC, r.finished_at DESC LIMIT 1
    ) success ON true
    WHERE i.tenant_id = :tenant AND i.retired_at IS NULL AND j.deleted_at IS NULL
    ORDER BY j.namespace, j.name, i.id LIMIT :most
    """  # noqa: S608 - our own words
)


async def samples(session: AsyncSession, tenant_id: UUID, now: datetime) -> Sequence[Sample]:
    """By namespace and name; one more than `MOST` when there are more."""
    rows = await session.execute(_SAMPLES, {"tenant": tenant_id, "most": MOST + 1, "now": now})
    return [Sample(*row) for row in rows]
