"""Status changes, claimed by workers in order per instance.

A change is taken only when no earlier one of its instance waits, and its row stays locked until the
incident it leads to is committed: two workers never handle one instance out of order.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crontopus_api.checkins.models import StatusChange

BATCH = 200


async def claim(session: AsyncSession) -> Sequence[StatusChange]:
    """The next changes to handle, oldest first, at most one per instance. In the scanner's role."""
    earlier = aliased(StatusChange)
    waits_for = (
        select(earlier.version)
        .where(
            earlier.tenant_id == StatusChange.tenant_id,
            earlier.instance_id == StatusChange.instance_id,
            earlier.version < StatusChange.version,
            earlier.claimed_at.is_(None),
        )
        .exists()
    )
    query = (
        select(StatusChange)
        .where(StatusChange.claimed_at.is_(None), ~waits_for)
        .order_by(StatusChange.recorded_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).all()


async def mark_claimed(session: AsyncSession, changes: Sequence[StatusChange], now: datetime) -> None:
    keys = [(change.tenant_id, change.instance_id, change.version) for change in changes]
    await session.execute(
        update(StatusChange)
        .where(tuple_(StatusChange.tenant_id, StatusChange.instance_id, StatusChange.version).in_(keys))
        .values(claimed_at=now)
        .execution_options(synchronize_session=False)
    )
