"""What a list of jobs shows, and nothing else, by one statement: jobs, and how their instances stand.

A thousand jobs are an ordinary list. So manifests stay where they are, PostgreSQL counts the instances, and what is
only passed on (times, JSON) comes as the text it is sent as.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs.models import Instance, InstanceStatus, Job
from crontopus_api.jobs.schemas import InstanceState
from crontopus_api.jobs.standing import SEVERITY, shown_state_column, shown_state_sql
from crontopus_api.kit.database import raw_connection


class JobFilter(NamedTuple):
    namespace: str | None = None
    state: str | None = None
    text: str | None = None
    name: str | None = None


class JobRow(NamedTuple):
    """Times as they are sent; `labels`, `by_state`, `errors` and `violations` are JSON. `rank`: of `SEVERITY`."""

    id: str
    namespace: str
    name: str
    mode: str
    schedule: list[str]
    timezone: str
    enabled: bool
    paused: bool
    labels: str
    description: str | None
    commit_id: str
    changed_by: str
    changed_at: str
    updated_at: str
    errors: str | None
    violations: str
    instances: int | None
    by_state: str | None
    rank: int | None
    warned: int | None
    due_at: str | None
    last_run_id: str | None
    last_run_state: str | None
    last_run_started_at: str | None
    last_run_finished_at: str | None
    last_run_duration_ms: int | None
    last_run_exit_code: int | None


def _sent(column: str) -> str:
    """A time as `kit.schemas.utc_text` writes it."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


_RANK = f"array_position(ARRAY{list(SEVERITY)}, {{}}) - 1"
_OF = "s.tenant_id = i.tenant_id AND s.instance_id = i.id"
_WORST = f"""(
    SELECT min({_RANK.format(shown_state_sql("s"))}) FROM instances i JOIN instance_status s ON {_OF}
    WHERE i.tenant_id = j.tenant_id AND i.job_id = j.id AND i.retired_at IS NULL
)"""  # noqa: S608 - parts of our own
_LIST = f"""
WITH page AS MATERIALIZED (
    SELECT * FROM jobs j WHERE j.tenant_id = %(tenant)s AND j.deleted_at IS NULL {{conditions}}
    ORDER BY j.namespace, j.name LIMIT %(limit)s
), places AS MATERIALIZED (
    SELECT i.job_id, {shown_state_sql("s")} AS shown, s.* FROM instances i JOIN instance_status s ON {_OF}
    WHERE i.tenant_id = %(tenant)s AND i.retired_at IS NULL AND i.job_id IN (SELECT id FROM page)
), counted AS (
    SELECT job_id, shown, count(*) AS instances, count(*) FILTER (WHERE warned) AS warned,
           min(due_at) FILTER (WHERE due_at > %(now)s) AS due_at
    FROM places GROUP BY job_id, shown
), standing AS (
    SELECT job_id, sum(instances)::int AS instances, sum(warned)::int AS warned, min(due_at) AS due_at,
           json_object_agg(shown, instances) AS by_state, min({_RANK.format("shown")}) AS rank
    FROM counted GROUP BY job_id
), latest AS (
    -- UUIDv7: the newest id is the newest run.
    SELECT DISTINCT ON (job_id) * FROM places WHERE last_run_id IS NOT NULL ORDER BY job_id, last_run_id DESC
)
SELECT p.id::text, p.namespace, p.name, p.mode, p.schedule, p.timezone, p.enabled, p.paused, p.labels::text,
       p.manifest #>> '{{{{metadata,annotations,description}}}}', p.commit_id, p.changed_by,
       {_sent("p.changed_at")}, {_sent("p.updated_at")}, f.errors::text, p.violations::text,
       t.instances, t.by_state::text, t.rank, t.warned, {_sent("t.due_at")},
       l.last_run_id::text, l.last_run_state, {_sent("l.last_run_started_at")}, {_sent("l.last_run_finished_at")},
       l.last_run_duration_ms, l.last_run_exit_code
FROM page p
LEFT JOIN standing t ON t.job_id = p.id
LEFT JOIN latest l ON l.job_id = p.id
LEFT JOIN invalid_files f ON f.tenant_id = p.tenant_id AND f.path = p.path
ORDER BY p.namespace, p.name
"""  # noqa: S608 - parts of our own


async def page(
    session: AsyncSession,
    tenant_id: UUID,
    wanted: JobFilter,
    after: tuple[str, str] | None,
    limit: int,
    now: datetime,
) -> Sequence[JobRow]:
    """Jobs by namespace and name."""
    conditions, parameters = _conditions(wanted, after)
    connection = await raw_connection(session)
    cursor = await connection.execute(
        _LIST.format(conditions=" ".join(f"AND {condition}" for condition in conditions)),
        {"tenant": tenant_id, "limit": limit, "now": now, **parameters},
    )
    return [JobRow._make(row) for row in await cursor.fetchall()]


def _conditions(wanted: JobFilter, after: tuple[str, str] | None) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    parameters: dict[str, Any] = {"namespace": wanted.namespace, "name": wanted.name}
    if wanted.namespace:
        conditions.append("j.namespace = %(namespace)s")
    if wanted.name:
        conditions.append("j.name = %(name)s")
    if wanted.text:
        escaped = wanted.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        conditions.append("(j.name ILIKE %(text)s OR j.namespace ILIKE %(text)s)")
        parameters["text"] = f"%{escaped}%"
    if wanted.state == "none":
        conditions.append(f"{_WORST} IS NULL")
    elif wanted.state:
        conditions.append(f"{_WORST} = {SEVERITY.index(wanted.state)}")
    if after is not None:
        conditions.append("(j.namespace, j.name) > (%(after_namespace)s, %(after_name)s)")
        parameters["after_namespace"], parameters["after_name"] = after
    return conditions, parameters


async def states(
    session: AsyncSession, tenant_id: UUID, job_id: UUID | None, labels: Mapping[str, str], now: datetime
) -> list[InstanceState]:
    """The different states that instances of a job, or of the jobs with these labels, are in."""
    query = (
        select(shown_state_column(now))
        .distinct()
        .select_from(Job)
        .join(Instance, (Instance.tenant_id == Job.tenant_id) & (Instance.job_id == Job.id))
        .join(
            InstanceStatus,
            (InstanceStatus.tenant_id == Instance.tenant_id) & (InstanceStatus.instance_id == Instance.id),
        )
        .where(Job.tenant_id == tenant_id, Job.deleted_at.is_(None), Instance.retired_at.is_(None))
    )
    query = (
        query.where(Job.labels.contains(dict(labels))) if job_id is None else query.where(Job.id == job_id)
    )
    return list(await session.scalars(query))
