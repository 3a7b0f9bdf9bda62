from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs.models import Document


async def page(
    session: AsyncSession, tenant_id: UUID, kind: str, after: str | None, limit: int
) -> Sequence[Document]:
    """In order of their paths, those that come after `after`."""
    query = (
        select(Document)
        .where(Document.tenant_id == tenant_id, Document.kind == kind)
        .order_by(Document.path)
        .limit(limit)
    )
    if after is not None:
        query = query.where(Document.path > after)
    return (await session.scalars(query)).all()


async def get(session: AsyncSession, tenant_id: UUID, path: str) -> Document | None:
    query = select(Document).where(Document.tenant_id == tenant_id, Document.path == path)
    return await session.scalar(query)
