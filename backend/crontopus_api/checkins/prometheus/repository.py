"""PostgreSQL writes the lines: of ten thousand instances they are seven times as many, and pings wait for Python."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs.standing import shown_state_sql

MOST = 20_000
"""Instances that one answer tells of: a series each, times the metrics."""

# Each metric of an instance, by its figure in SQL: no line is written where it is NULL. Times are Unix seconds.
FIGURES = {
    "crontopus_job_up": "CASE WHEN state IN ('missed', 'failing', 'stuck') THEN 0 ELSE 1 END",
    "crontopus_job_paused": "CASE WHEN state = 'paused' THEN 1 ELSE 0 END",
    "crontopus_job_consecutive_failures": "failures",
    "crontopus_job_last_run_timestamp_seconds": "last_run",
    "crontopus_job_last_success_timestamp_seconds": "last_success",
    "crontopus_job_last_duration_seconds": "last_seconds",
    "crontopus_job_next_due_timestamp_seconds": "due",
}

_STATES = ("new", "healthy", "running", "late", "missed", "failing", "stuck", "paused")


class Told(NamedTuple):
    """`lines`: those of each metric, as one string. `left_out`: there are more instances than were asked for."""

    lines: dict[str, str]
    states: dict[str, int]
    left_out: bool


def _escaped(column: str) -> str:
    """A label's value: an endpoint is called whatever somebody called it (names of jobs need no escaping)."""
    return rf"""replace(replace(replace({column}, E'\\', E'\\\\'), '"', E'\\"'), E'\n', E'\\n')"""


_LABELS = (
    """'{namespace="' || j.namespace || '",job_name="' || j.name || '",endpoint="' || """
    f"""{_escaped("coalesce(e.name, '')")} || '"}} '"""
)

# Asked only of those whose last run was no success.
_EARLIER_SUCCESS = """
    SELECT r.finished_at FROM runs r
    WHERE r.tenant_id = :tenant AND r.job_id = i.job_id AND r.instance_id = i.id AND r.state = 'success'
        AND r.partition_at > CAST(:now AS timestamptz) - interval '35 days'
    ORDER BY r.partition_at DESC, r.finished_at DESC LIMIT 1
"""

_FOUND = f"""
    SELECT {_LABELS} AS labels, {shown_state_sql("s", ":now")} AS state, s.failures,
        extract(epoch FROM s.due_at)::float8 AS due,
        extract(epoch FROM coalesce(s.last_run_finished_at, s.last_run_started_at))::float8 AS last_run,
        extract(epoch FROM CASE WHEN s.last_run_state = 'success' THEN s.last_run_finished_at
                                WHEN s.last_run_state IS NOT NULL THEN ({_EARLIER_SUCCESS})
                           END)::float8 AS last_success,
        s.last_run_duration_ms / 1000.0::float8 AS last_seconds
    FROM instances i
    JOIN instance_status s ON s.tenant_id = i.tenant_id AND s.instance_id = i.id
    JOIN jobs j ON j.tenant_id = i.tenant_id AND j.id = i.job_id
    LEFT JOIN endpoints e ON e.tenant_id = i.tenant_id AND e.id = i.endpoint_id
    WHERE i.tenant_id = :tenant AND i.retired_at IS NULL AND j.deleted_at IS NULL
    ORDER BY j.namespace, j.name, i.id LIMIT :most + 1
"""  # noqa: S608 - our own words

_LINES = ", ".join(
    f"coalesce(string_agg('{metric}' || labels || ({figure})::text, E'\\n'), '')"
    for metric, figure in FIGURES.items()
)
_COUNTS = ", ".join(f"count(*) FILTER (WHERE state = '{state}')" for state in _STATES)
_TOLD = text(
    f"""
    WITH found AS MATERIALIZED ({_FOUND}), shown AS (SELECT * FROM found LIMIT :most)
    SELECT (SELECT count(*) FROM found) > :most, {_COUNTS}, {_LINES} FROM shown
    """  # noqa: S608 - our own words
)


async def told(session: AsyncSession, tenant_id: UUID, now: datetime, most: int = MOST) -> Told:
    """Of the tenant's first `most` instances, by namespace and name."""
    parameters = {"tenant": tenant_id, "most": most, "now": now}
    left_out, *row = (await session.execute(_TOLD, parameters)).one()
    counts, lines = row[: len(_STATES)], row[len(_STATES) :]
    return Told(
        dict(zip(FIGURES, lines, strict=True)), dict(zip(_STATES, counts, strict=True)), bool(left_out)
    )
