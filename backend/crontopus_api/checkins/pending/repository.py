from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, insert, literal, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.pending.models import PendingCheckIn, PendingJob

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('pending_jobs/' || :tenant, 0))")


async def lock_tenant(session: AsyncSession, tenant_id: UUID) -> None:
    """New pending jobs of a tenant come one after the other until the transaction ends."""
    await session.execute(_LOCK, {"tenant": str(tenant_id)})


async def count(session: AsyncSession, tenant_id: UUID) -> int:
    query = select(func.count()).select_from(PendingJob).where(PendingJob.tenant_id == tenant_id)
    return await session.scalar(query) or 0


async def add(session: AsyncSession, job: PendingJob) -> None:
    session.add(job)
    await session.flush()


async def append(session: AsyncSession, tenant_id: UUID, job_id: UUID, message: bytes) -> bool:
    """False: the job is pending no more. Else it stays so until the transaction ends."""
    found = select(PendingJob.tenant_id, PendingJob.id).where(
        PendingJob.tenant_id == tenant_id, PendingJob.id == job_id
    )
    held = (await session.execute(found.with_for_update(read=True, key_share=True))).first()
    if held is None:
        return False
    await session.execute(insert(PendingCheckIn).values(tenant_id=tenant_id, job_id=job_id, message=message))
    return True


async def count_messages(session: AsyncSession, tenant_id: UUID, job_id: UUID) -> int:
    query = select(func.count()).where(PendingCheckIn.tenant_id == tenant_id, PendingCheckIn.job_id == job_id)
    return await session.scalar(query) or 0


async def claim(session: AsyncSession, seconds: int, limit: int) -> Sequence[PendingJob]:
    """Pending jobs of all tenants that nobody has in hand, for `seconds`. For the scanner's role only."""
    now = func.clock_timestamp()
    # cross-tenant: workers claim what comes first, whoever it belongs to
    free = (
        select(PendingJob.tenant_id, PendingJob.id)
        .where(or_(PendingJob.claimed_until.is_(None), PendingJob.claimed_until < now))
        .order_by(PendingJob.created_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # cross-tenant: the same rows
    claimed = (
        update(PendingJob)
        .where(tuple_(PendingJob.tenant_id, PendingJob.id).in_(free))
        .values(claimed_until=now + func.make_interval(0, 0, 0, 0, 0, 0, seconds))
        .returning(PendingJob)
        .execution_options(synchronize_session=False)
    )
    return (await session.scalars(claimed)).all()


class Message(NamedTuple):
    no: int
    received_at: datetime
    message: bytes


async def messages(session: AsyncSession, tenant_id: UUID, job_id: UUID, limit: int) -> list[Message]:
    """In the order they came."""
    rows = await session.execute(
        select(PendingCheckIn.no, PendingCheckIn.received_at, PendingCheckIn.message)
        .where(PendingCheckIn.tenant_id == tenant_id, PendingCheckIn.job_id == job_id)
        .order_by(PendingCheckIn.no)
        .limit(limit)
    )
    return [Message(*row) for row in rows]


async def forget(session: AsyncSession, tenant_id: UUID, job_id: UUID, numbers: Sequence[int]) -> None:
    await session.execute(
        delete(PendingCheckIn).where(
            PendingCheckIn.tenant_id == tenant_id,
            PendingCheckIn.job_id == job_id,
            PendingCheckIn.no.in_(numbers),
        )
    )


async def settle(session: AsyncSession, tenant_id: UUID, job_id: UUID) -> bool:
    """The job is pending no more; False: something was reported meanwhile."""
    this = (PendingJob.tenant_id == tenant_id) & (PendingJob.id == job_id)
    # Waits for everybody who is appending; whoever comes after finds the row gone, and the job itself.
    await session.execute(select(literal(1)).select_from(PendingJob).where(this).with_for_update())
    if await count_messages(session, tenant_id, job_id):
        return False
    await session.execute(delete(PendingJob).where(this))
    return True


async def drop(session: AsyncSession, tenant_id: UUID, job_id: UUID) -> None:
    """With all that was reported of it."""
    await session.execute(
        delete(PendingJob).where(PendingJob.tenant_id == tenant_id, PendingJob.id == job_id)
    )


async def note_problem(session: AsyncSession, tenant_id: UUID, job_ids: Sequence[UUID], problem: str) -> None:
    await session.execute(
        update(PendingJob)
        .where(PendingJob.tenant_id == tenant_id, PendingJob.id.in_(job_ids))
        .values(problem=problem)
    )
