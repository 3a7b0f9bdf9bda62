"""Counting runs by the day, in PostgreSQL. All of it but the reports is for the scanner's role."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

# Days are those of UTC. A run belongs to the day on which it was first heard of, as in the lists.
_COUNTED = """
    count(*) AS runs,
    count(*) FILTER (WHERE state = 'success') AS successes,
    count(*) FILTER (WHERE state = 'failure') AS failures,
    count(*) FILTER (WHERE state = 'timeout') AS timeouts,
    count(*) FILTER (WHERE state = 'lost') AS lost,
    count(*) FILTER (WHERE state = 'missed') AS missed,
    count(*) FILTER (WHERE state = 'skipped') AS skipped,
    percentile_disc(0.5) WITHIN GROUP (ORDER BY took) AS p50_ms,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY took) AS p95_ms
"""
# A run that was skipped or never ended says nothing of how long one takes.
_TOOK = "CASE WHEN state IN ('success', 'failure', 'timeout') THEN duration_ms END AS took"
_COLUMNS = (
    *("runs", "successes", "failures", "timeouts", "lost", "missed", "skipped"),
    *("p50_ms", "p95_ms"),
)
_RECOUNT = text(
    f"""
    WITH counted AS (
        SELECT tenant_id, CAST(:day AS date) AS day, instance_id, job_id,
               (array_agg(endpoint_id))[1] AS endpoint_id, {_COUNTED}
        FROM (SELECT *, {_TOOK} FROM runs
              WHERE tenant_id = :tenant AND partition_at >= :since AND partition_at < :until) AS r
        GROUP BY tenant_id, instance_id, job_id
    ), gone AS (
        DELETE FROM run_rollups WHERE tenant_id = :tenant AND day = :day
          AND instance_id NOT IN (SELECT instance_id FROM counted)
    )
    INSERT INTO run_rollups (tenant_id, day, instance_id, job_id, endpoint_id, {", ".join(_COLUMNS)})
    SELECT tenant_id, day, instance_id, job_id, endpoint_id, {", ".join(_COLUMNS)} FROM counted
    ON CONFLICT (tenant_id, day, instance_id) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)}
    """  # noqa: S608 - names of our own columns
)
# cross-tenant: finds whose days are to be counted again
_TOUCHED = text(
    """
    SELECT DISTINCT tenant_id, (partition_at AT TIME ZONE 'UTC')::date AS day FROM run_keys
    WHERE created_at >= :since AND partition_at < :before
    """
)
# What nearly all of an instance's runs took. Written only when it changed, for every write of a status row makes
# those who remember it read it again.
_USUAL = text(
    """
    WITH lately AS (
        SELECT instance_id, count(*) AS runs, percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms) AS p95
        FROM runs
        WHERE tenant_id = :tenant AND partition_at >= :since AND state = 'success' AND duration_ms IS NOT NULL
        GROUP BY instance_id
    ), locked AS MATERIALIZED (
        SELECT s.tenant_id, s.instance_id, l.runs, l.p95
        FROM instance_status s JOIN lately l USING (instance_id)
        WHERE s.tenant_id = :tenant AND (
            s.usual_ms IS NULL OR abs(l.p95 - s.usual_ms) > s.usual_ms * 0.05
            OR (s.usual_runs < :enough AND l.runs <> s.usual_runs))
        -- In order of id, as everybody locks them; what is busy is looked at again in some minutes.
        ORDER BY s.instance_id FOR UPDATE OF s SKIP LOCKED
    )
    UPDATE instance_status s SET usual_ms = l.p95, usual_runs = l.runs
    FROM locked l WHERE s.tenant_id = l.tenant_id AND s.instance_id = l.instance_id
    """
)
_MARK = text("SELECT at FROM rollup_marks WHERE name = :name")
_SET_MARK = text(
    "INSERT INTO rollup_marks (name, at) VALUES (:name, :at) ON CONFLICT (name) DO UPDATE SET at = excluded.at"
)


async def recount(
    session: AsyncSession, tenant_id: UUID, day: date, since: datetime, until: datetime
) -> None:
    """Count one tenant's runs of one day again, whatever was counted before."""
    values = {"tenant": tenant_id, "day": day, "since": since, "until": until}
    await session.execute(_RECOUNT, values)


async def touched(session: AsyncSession, since: datetime, before: datetime) -> list[tuple[UUID, date]]:
    """(tenant, day) of runs from `before` that were reported after `since`."""
    rows = await session.execute(_TOUCHED, {"since": since, "before": before})
    return [(row.tenant_id, row.day) for row in rows]


async def refresh_usual(session: AsyncSession, tenant_id: UUID, since: datetime, enough: int) -> None:
    """`enough`: from so many runs on their exact number is of no interest."""
    await session.execute(_USUAL, {"tenant": tenant_id, "since": since, "enough": enough})


async def mark(session: AsyncSession, name: str) -> datetime | None:
    at: datetime | None = await session.scalar(_MARK, {"name": name})
    return at


async def set_mark(session: AsyncSession, name: str, at: datetime) -> None:
    await session.execute(_SET_MARK, {"name": name, "at": at})


# Days have different numbers of runs: their medians, weighed by these, are close to the median of all.
_WEIGHED = """
    sum(runs)::int AS runs, sum(successes)::int AS successes, sum(failures)::int AS failures,
    sum(timeouts)::int AS timeouts, sum(lost)::int AS lost, sum(missed)::int AS missed,
    sum(skipped)::int AS skipped,
    (sum(p50_ms * runs) / nullif(sum(runs) FILTER (WHERE p50_ms IS NOT NULL), 0))::bigint AS p50_ms,
    max(p95_ms) AS p95_ms
"""


def _report(column: str) -> Any:
    return text(
        f"""
        SELECT {column} AS id, {_WEIGHED} FROM run_rollups
        WHERE tenant_id = :tenant AND day >= :first AND day <= :last AND {column} IS NOT NULL
        GROUP BY {column}
        """  # noqa: S608 - names of our own columns
    )


_BY = {"job": _report("job_id"), "endpoint": _report("endpoint_id")}


async def report(
    session: AsyncSession, tenant_id: UUID, by: str, first: date, last: date
) -> Sequence[Row[Any]]:
    """One row per job or endpoint that had runs in these days, from the rollups alone."""
    return (await session.execute(_BY[by], {"tenant": tenant_id, "first": first, "last": last})).all()
