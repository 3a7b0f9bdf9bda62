from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs.models import Instance, InstanceStatus, Job


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


async def lock_of_job(
    session: AsyncSession, tenant_id: UUID, job_id: UUID
) -> list[tuple[Instance, InstanceStatus | None]]:
    """Every instance a job ever had, with the status of the live ones, locked against check-ins."""
    rows = await session.execute(
        select(Instance, InstanceStatus)
        .outerjoin(
            InstanceStatus,
            (InstanceStatus.tenant_id == Instance.tenant_id) & (InstanceStatus.instance_id == Instance.id),
        )
        .where(Instance.tenant_id == tenant_id, Instance.job_id == job_id)
        .order_by(Instance.id)
        .with_for_update(of=Instance)
    )
    found = [(row[0], row[1]) for row in rows]
    live = [instance.id for instance, status in found if status is not None]
    # An outer join cannot lock its outer side, so the status rows are locked (and read again) here.
    locked = await session.scalars(
        select(InstanceStatus)
        .where(InstanceStatus.tenant_id == tenant_id, InstanceStatus.instance_id.in_(live))
        .order_by(InstanceStatus.instance_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    statuses = {status.instance_id: status for status in locked}
    return [(instance, statuses.get(instance.id)) for instance, _ in found]


async def revive(session: AsyncSession, instance: Instance, status: InstanceStatus) -> None:
    """Insert an instance, or bring a retired one back, with a fresh status."""
    statement = insert(Instance).values(
        tenant_id=instance.tenant_id,
        id=instance.id,
        job_id=instance.job_id,
        endpoint_id=instance.endpoint_id,
        expectation=instance.expectation,
        created_at=instance.created_at,
        retired_at=None,
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "id"],
            set_={"expectation": statement.excluded.expectation, "retired_at": None},
        )
    )
    session.add(status)
    await session.flush()


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
