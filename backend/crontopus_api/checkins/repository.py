from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.models import StatusChange


async def add_change(session: AsyncSession, change: StatusChange) -> None:
    session.add(change)
    await session.flush()


# cross-tenant: a ping key is resolved to its tenant; for the ingest role only
_OF_JOB_KEYS = text("SELECT digest, tenant_id FROM job_ping_keys WHERE digest = ANY(:digests)")


async def tenants_of_job_keys(session: AsyncSession, digests: Sequence[bytes]) -> list[tuple[bytes, UUID]]:
    rows = await session.execute(_OF_JOB_KEYS, {"digests": list(digests)})
    return [(bytes(digest), tenant_id) for digest, tenant_id in rows]
