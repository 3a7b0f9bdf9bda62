from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs.models import Instance, InstanceStatus, InvalidFile, Job, JobPingKey
from crontopus_api.jobs.standing import shown_state_column
from crontopus_api.kit.sql import WANTED, Key, any_id, sent, table


class InstanceRow(NamedTuple):
    instance: Instance
    status: InstanceStatus
    job: Job


def _live(tenant_id: UUID) -> Select[Instance, InstanceStatus, Job]:
    return (
        select(Instance, InstanceStatus, Job)
        .join(
            InstanceStatus,
            (InstanceStatus.tenant_id == Instance.tenant_id) & (InstanceStatus.instance_id == Instance.id),
        )
        .join(Job, (Job.tenant_id == Instance.tenant_id) & (Job.id == Instance.job_id))
        .where(Instance.tenant_id == tenant_id, Instance.retired_at.is_(None))
    )


_AT_ADDRESS = (
    select(Job, JobPingKey.sealed, InvalidFile.errors, Instance, InstanceStatus)
    .outerjoin(JobPingKey, (JobPingKey.tenant_id == Job.tenant_id) & (JobPingKey.job_id == Job.id))
    .outerjoin(InvalidFile, (InvalidFile.tenant_id == Job.tenant_id) & (InvalidFile.path == Job.path))
    .outerjoin(
        Instance,
        (Instance.tenant_id == Job.tenant_id) & (Instance.job_id == Job.id) & Instance.retired_at.is_(None),
    )
    .outerjoin(
        InstanceStatus,
        (InstanceStatus.tenant_id == Instance.tenant_id) & (InstanceStatus.instance_id == Instance.id),
    )
    .where(
        Job.tenant_id == bindparam("tenant"),
        Job.namespace == bindparam("namespace"),
        Job.name == bindparam("name"),
        Job.deleted_at.is_(None),
    )
    .order_by(Instance.id)
)


class AtAddress(NamedTuple):
    """A job with what is kept around it. `errors`: of the newest version of its file."""

    job: Job
    sealed_key: bytes | None
    errors: list[dict[str, Any]]
    instances: list[InstanceRow]


async def at_address(session: AsyncSession, tenant_id: UUID, namespace: str, name: str) -> AtAddress | None:
    wanted = {"tenant": tenant_id, "namespace": namespace, "name": name}
    rows = (await session.execute(_AT_ADDRESS, wanted)).all()
    if not rows:
        return None
    job, sealed_key, errors, *_ = rows[0]
    instances = [InstanceRow(instance, status, job) for *_, instance, status in rows if instance is not None]
    return AtAddress(job, sealed_key, errors or [], instances)


async def page(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    job_id: UUID | None,
    endpoint_id: UUID | None,
    state: str | None,
    now: datetime,
    after: UUID | None,
    limit: int,
) -> list[InstanceRow]:
    query = _live(tenant_id)
    if job_id is not None:
        query = query.where(Instance.job_id == job_id)
    if endpoint_id is not None:
        query = query.where(Instance.endpoint_id == endpoint_id)
    if state is not None:
        query = query.where(shown_state_column(now) == state)
    if after is not None:
        query = query.where(Instance.id > after)
    rows = await session.execute(query.order_by(Instance.id).limit(limit))
    return [InstanceRow(instance, status, job) for instance, status, job in rows]


class Ran(NamedTuple):
    """How an instance's last run ended, and what was wrong with how it ran."""

    last_run_state: str | None
    warnings: list[dict[str, Any]]


_RAN = select(
    InstanceStatus.tenant_id,
    InstanceStatus.instance_id,
    InstanceStatus.last_run_state,
    InstanceStatus.warnings,
).where(
    InstanceStatus.tenant_id == WANTED.c.tenant_id,
    InstanceStatus.instance_id == WANTED.c.id,
    or_(InstanceStatus.warned, InstanceStatus.last_run_state == "skipped"),
)


async def ran(session: AsyncSession, instances: Collection[Key]) -> dict[Key, Ran]:
    """Those only whose last run was skipped, or was not as it should be: the others' explains nothing."""
    return {Key(*row[:2]): Ran(*row[2:]) for row in await session.execute(_RAN, sent(instances))}


class Warned(NamedTuple):
    """An instance whose last run was not as it should be. `warnings`: each with `code`, `message` and `at`."""

    instance_id: UUID
    job_id: UUID
    endpoint_id: UUID | None
    warnings: list[dict[str, Any]]


async def warned(session: AsyncSession, tenant_id: UUID) -> list[Warned]:
    query = (
        select(Instance.id, Instance.job_id, Instance.endpoint_id, InstanceStatus.warnings)
        .join(
            Instance,
            (Instance.tenant_id == InstanceStatus.tenant_id) & (Instance.id == InstanceStatus.instance_id),
        )
        .where(
            InstanceStatus.tenant_id == tenant_id,
            InstanceStatus.warned,
            Instance.retired_at.is_(None),
        )
    )
    return [Warned(*row) for row in await session.execute(query)]


_PLACED = (
    select(Instance.tenant_id, Instance.endpoint_id, func.count().label("instances"))
    .where(
        Instance.tenant_id == WANTED.c.tenant_id,
        Instance.endpoint_id == WANTED.c.id,
        Instance.retired_at.is_(None),
    )
    .group_by(Instance.tenant_id, Instance.endpoint_id)
)


async def placed(session: AsyncSession, endpoints: Collection[Key]) -> dict[Key, int]:
    """How many instances there are on each of these endpoints."""
    return {Key(*row[:2]): row[2] for row in await session.execute(_PLACED, sent(endpoints))}  # type: ignore[arg-type]


async def states(session: AsyncSession, tenant_id: UUID, job_id: UUID) -> dict[UUID, str]:
    query = _live(tenant_id).where(Instance.job_id == job_id)
    rows = await session.execute(query.with_only_columns(Instance.id, InstanceStatus.state))
    return {row.id: row.state for row in rows}


_LOCK_LIVE = (
    select(Instance, InstanceStatus)
    .join(
        InstanceStatus,
        (InstanceStatus.tenant_id == Instance.tenant_id) & (InstanceStatus.instance_id == Instance.id),
    )
    .where(
        Instance.tenant_id == bindparam("tenant"),
        Instance.retired_at.is_(None),
        any_id(Instance.job_id, "job_ids"),
    )
    .order_by(Instance.id)
    .with_for_update()
    .execution_options(populate_existing=True)
)


async def lock_of_jobs(
    session: AsyncSession, tenant_id: UUID, job_ids: Sequence[UUID]
) -> list[tuple[Instance, InstanceStatus]]:
    """The live instances of jobs with their status, locked against check-ins."""
    rows = await session.execute(_LOCK_LIVE, {"tenant": tenant_id, "job_ids": list(job_ids)})
    return [(instance, status) for instance, status in rows]


class NewRow(NamedTuple):
    """The columns of an instance and of its status."""

    instance: dict[str, Any]
    status: dict[str, Any]


async def revive(session: AsyncSession, new: Sequence[NewRow]) -> None:
    """Insert instances, or bring retired ones back, each with a fresh status."""
    if not new:
        return
    statement = insert(table(Instance))
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "id"],
            set_={"expectation": statement.excluded.expectation, "retired_at": None},
        ),
        [row.instance for row in new],
    )
    await session.execute(insert(table(InstanceStatus)), [row.status for row in new])


async def retire(session: AsyncSession, tenant_id: UUID, instance_id: UUID, now: datetime) -> None:
    """Nothing is expected there any more; its runs stay."""
    await session.execute(
        update(Instance)
        .where(Instance.tenant_id == tenant_id, Instance.id == instance_id)
        .values(retired_at=now)
    )
    await session.execute(
        delete(InstanceStatus).where(
            InstanceStatus.tenant_id == tenant_id, InstanceStatus.instance_id == instance_id
        )
    )
