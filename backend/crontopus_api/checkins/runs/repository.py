from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.models import Run, RunOutput


@dataclass(frozen=True)
class RunFilter:
    job_ids: Sequence[UUID] | None = None
    endpoint_id: UUID | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def page(
    session: AsyncSession,
    tenant_id: UUID,
    wanted: RunFilter,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Run]:
    """Newest first."""
    query = select(Run).where(Run.tenant_id == tenant_id)
    if wanted.job_ids is not None:
        query = query.where(Run.job_id.in_(wanted.job_ids))
    if wanted.endpoint_id is not None:
        query = query.where(Run.endpoint_id == wanted.endpoint_id)
    if wanted.state is not None:
        query = query.where(Run.state == wanted.state)
    if wanted.since is not None:
        query = query.where(Run.partition_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Run.partition_at < wanted.until)
    if after is not None:
        query = query.where(func.row(Run.partition_at, Run.id) < func.row(*after))
    return (await session.scalars(query.order_by(Run.partition_at.desc(), Run.id.desc()).limit(limit))).all()


async def get(session: AsyncSession, tenant_id: UUID, run_id: UUID) -> Run | None:
    return await session.scalar(select(Run).where(Run.tenant_id == tenant_id, Run.id == run_id))


async def output(session: AsyncSession, run: Run) -> bytes | None:
    """Compressed, as stored."""
    return await session.scalar(
        select(RunOutput.content).where(
            RunOutput.tenant_id == run.tenant_id,
            RunOutput.partition_at == run.partition_at,
            RunOutput.run_id == run.id,
        )
    )
