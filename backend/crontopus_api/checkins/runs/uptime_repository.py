from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.models import StatusChange
from crontopus_api.checkins.runs.uptime import Move


async def moves(
    session: AsyncSession, tenant_id: UUID, job_id: UUID, since: datetime
) -> dict[UUID, list[Move]]:
    """The changes of each instance from the last one before `since` on."""
    of_job = (StatusChange.tenant_id == tenant_id) & (StatusChange.job_id == job_id)
    columns = (
        StatusChange.instance_id,
        StatusChange.version,
        StatusChange.at,
        StatusChange.from_state,
        StatusChange.to_state,
        StatusChange.reason,
    )
    before = (
        select(*columns)
        .where(of_job, StatusChange.at < since)
        .ext(distinct_on(StatusChange.instance_id))
        .order_by(StatusChange.instance_id, StatusChange.version.desc())
    )
    within = select(*columns).where(of_job, StatusChange.at >= since)
    found: dict[UUID, list[Move]] = {}
    rows = [*await session.execute(before), *await session.execute(within)]
    for row in sorted(rows, key=lambda row: (row.instance_id, row.version)):
        found.setdefault(row.instance_id, []).append(Move(row.at, row.from_state, row.to_state, row.reason))
    return found
