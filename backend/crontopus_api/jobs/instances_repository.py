from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs.models import Instance, InstanceStatus, Job
from crontopus_api.kit.sql import any_id, table


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


async def of_jobs(session: AsyncSession, tenant_id: UUID, job_ids: Sequence[UUID]) -> list[InstanceRow]:
    rows = await session.execute(_live(tenant_id).where(Instance.job_id.in_(job_ids)).order_by(Instance.id))
    return [InstanceRow(instance, status, job) for instance, status, job in rows]


async def of_address(session: AsyncSession, tenant_id: UUID, namespace: str, name: str) -> list[InstanceRow]:
    """Of the job that lives at that address."""
    here = (Job.namespace == namespace) & (Job.name == name) & Job.deleted_at.is_(None)
    rows = await session.execute(_live(tenant_id).where(here).order_by(Instance.id))
    return [InstanceRow(instance, status, job) for instance, status, job in rows]


async def page(
    session: AsyncSession,
    tenant_id: UUID,
    *,
    job_id: UUID | None,
    endpoint_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> list[InstanceRow]:
    query = _live(tenant_id)
    if job_id is not None:
        query = query.where(Instance.job_id == job_id)
    if endpoint_id is not None:
        query = query.where(Instance.endpoint_id == endpoint_id)
    if after is not None:
        query = query.where(Instance.id > after)
    rows = await session.execute(query.order_by(Instance.id).limit(limit))
    return [InstanceRow(instance, status, job) for instance, status, job in rows]


async def lock_of_jobs(
    session: AsyncSession, tenant_id: UUID, job_ids: Sequence[UUID]
) -> list[tuple[Instance, InstanceStatus | None]]:
    """Every instance that jobs ever had, with the status of the live ones, locked against check-ins."""
    of_jobs = any_id(Instance.job_id, job_ids)
    rows = await session.scalars(
        select(Instance)
        .where(Instance.tenant_id == tenant_id, of_jobs)
        .order_by(Instance.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    instances = rows.all()
    ids = [instance.id for instance in instances if instance.retired_at is None]
    if not ids:
        return [(instance, None) for instance in instances]
    locked = await session.scalars(
        select(InstanceStatus)
        .where(
            InstanceStatus.tenant_id == tenant_id,
            any_id(InstanceStatus.instance_id, ids),
        )
        .order_by(InstanceStatus.instance_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    statuses = {status.instance_id: status for status in locked}
    return [(instance, statuses.get(instance.id)) for instance in instances]


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
