import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs.models import GitIntent
from crontopus_api.kit.sql import table


def pack(edits: Mapping[str, bytes | None]) -> dict[str, str | None]:
    """Contents as JSON can hold them, whatever bytes they are."""
    return {
        path: base64.b64encode(data).decode() if data is not None else None for path, data in edits.items()
    }


def unpack(edits: Mapping[str, str | None]) -> dict[str, bytes | None]:
    return {path: base64.b64decode(data) if data is not None else None for path, data in edits.items()}


async def add(session: AsyncSession, intent: GitIntent) -> None:
    session.add(intent)
    await session.flush()


async def get(session: AsyncSession, tenant_id: UUID, intent_id: UUID) -> GitIntent | None:
    query = select(GitIntent).where(GitIntent.tenant_id == tenant_id, GitIntent.id == intent_id)
    return await session.scalar(query)


_FINISH = (
    update(table(GitIntent))
    .where(
        GitIntent.tenant_id == bindparam("tenant"),
        GitIntent.id == bindparam("intent"),
        GitIntent.state == "pending",
    )
    .values(edits={}, expect={})
)


async def finish(session: AsyncSession, tenant_id: UUID, intent_id: UUID, **values: Any) -> None:
    """The contents have served: Git has them now, or nobody."""
    await session.execute(_FINISH, {"tenant": tenant_id, "intent": intent_id, **values})


async def stale(session: AsyncSession, before: datetime) -> Sequence[tuple[UUID, UUID]]:
    """(tenant id, intent id) of changes nobody is working on any more. For the scanner's role only."""
    # cross-tenant: a worker finishes what any process left
    rows = await session.execute(
        select(GitIntent.tenant_id, GitIntent.id)
        .where(GitIntent.state == "pending", GitIntent.created_at < before)
        .order_by(GitIntent.created_at)
        .limit(100)
    )
    return [(row.tenant_id, row.id) for row in rows]
