from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Row, Select, Uuid, and_, column, func, literal, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.models import Run, RunOutput
from crontopus_api.kit.sql import any_id, table

# Of more jobs than these a page is found by walking through all runs: a full page of each would be more to read.
_MOST_LOOKS = 20
_runs = table(Run)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# A tenant's newest runs are nearly always within the first; PostgreSQL then plans for two months, not for years.
_STRETCHES = (timedelta(days=32), timedelta(days=400))
RunRow = Row[tuple[object, ...]]
"""The columns of `Run`."""
Cursor = tuple[datetime, UUID]
"""(partition_at, id) of the last run of the page before."""


@dataclass(frozen=True)
class RunFilter:
    """`job_ids` None: of every job. `since` <= when the run was first heard of < `until`."""

    until: datetime
    since: datetime | None = None
    job_ids: Sequence[UUID] | None = None
    endpoint_id: UUID | None = None
    state: str | None = None


async def page(
    session: AsyncSession, tenant_id: UUID, wanted: RunFilter, after: Cursor | None, limit: int
) -> list[RunRow]:
    """Newest first."""
    found: list[RunRow] = []
    newest = wanted.until if after is None else min(wanted.until, after[0] + timedelta(microseconds=1))
    for since, until in _stretches(newest, wanted.since):
        query = _within(tenant_id, wanted, since, until, after, limit - len(found))
        found += (await session.execute(query)).all()
        if len(found) >= limit:
            break
    return found


def _stretches(until: datetime, since: datetime | None) -> Iterator[tuple[datetime, datetime]]:
    """The time to look through, newest first, in a few parts: months that are not looked at cost nothing."""
    oldest = since or _EARLIEST
    for length in _STRETCHES:
        start = max(oldest, until - length)
        if start >= until:
            return
        yield start, until
        until = start
    if oldest < until:
        yield oldest, until


def _within(
    tenant_id: UUID,
    wanted: RunFilter,
    since: datetime,
    until: datetime,
    after: Cursor | None,
    limit: int,
) -> Select[tuple[object, ...]]:
    conditions = [
        _runs.c.tenant_id == tenant_id,
        _runs.c.partition_at >= since,
        _runs.c.partition_at < until,
    ]
    if wanted.endpoint_id is not None:
        conditions.append(_runs.c.endpoint_id == wanted.endpoint_id)
    if wanted.state is not None:
        conditions.append(_runs.c.state == wanted.state)
    if after is not None:
        conditions.append(tuple_(_runs.c.partition_at, _runs.c.id) < tuple_(*map(literal, after)))
    order = (_runs.c.partition_at.desc(), _runs.c.id.desc())
    query = select(_runs).where(and_(*conditions))
    if wanted.job_ids is None:
        return query.order_by(*order).limit(limit)
    if len(wanted.job_ids) == 1:
        return query.where(_runs.c.job_id == wanted.job_ids[0]).order_by(*order).limit(limit)
    if len(wanted.job_ids) > _MOST_LOOKS:
        return query.where(any_id(_runs.c.job_id, wanted.job_ids)).order_by(*order).limit(limit)
    return _each(query, wanted.job_ids, limit)


def _each(
    query: Select[tuple[object, ...]], job_ids: Sequence[UUID], limit: int
) -> Select[tuple[object, ...]]:
    """The newest of each job, then of these: the index gives either order or many jobs, not both."""
    jobs = func.unnest(literal(list(job_ids), ARRAY(Uuid))).table_valued(column("id", Uuid))
    jobs = jobs.render_derived(name="wanted")
    order = (_runs.c.partition_at.desc(), _runs.c.id.desc())
    newest = query.where(_runs.c.job_id == jobs.c.id).order_by(*order).limit(limit).lateral("newest")
    joined = select(newest).select_from(jobs.join(newest, true()))
    return joined.order_by(newest.c.partition_at.desc(), newest.c.id.desc()).limit(limit)


async def get(session: AsyncSession, tenant_id: UUID, run_id: UUID) -> RunRow | None:
    query = select(_runs).where(_runs.c.tenant_id == tenant_id, _runs.c.id == run_id)
    return (await session.execute(query)).first()


async def output(session: AsyncSession, run: RunRow) -> bytes | None:
    """Compressed, as stored."""
    return await session.scalar(
        select(RunOutput.content).where(
            RunOutput.tenant_id == run.tenant_id,
            RunOutput.partition_at == run.partition_at,
            RunOutput.run_id == run.id,
        )
    )
