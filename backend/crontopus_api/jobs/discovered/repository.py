"""Which jobs say that they take the place of something found on a machine."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs.models import Job


class Claim(NamedTuple):
    path: str
    annotations: dict[str, str]


async def claims(session: AsyncSession, tenant_id: UUID) -> list[Claim]:
    """The tenant's live jobs with a `crontopus.dev/adopts`, wherever they are."""
    annotations = Job.manifest["metadata"]["annotations"]
    query = select(Job.path, annotations).where(
        Job.tenant_id == tenant_id, Job.deleted_at.is_(None), annotations.has_key("crontopus.dev/adopts")
    )
    return [Claim(path, found) for path, found in await session.execute(query)]
