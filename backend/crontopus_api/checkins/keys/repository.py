from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.keys.models import TenantPingKey
from crontopus_api.kit.sql import table, upsert


async def get(session: AsyncSession, tenant_id: UUID) -> TenantPingKey | None:
    return await session.scalar(select(TenantPingKey).where(TenantPingKey.tenant_id == tenant_id))


async def add(session: AsyncSession, row: Mapping[str, Any]) -> TenantPingKey:
    """The tenant's key: this one, or the one that somebody else made first."""
    await session.execute(insert(table(TenantPingKey)).on_conflict_do_nothing(), row)
    found = await get(session, row["tenant_id"])
    assert found is not None
    return found


async def replace(session: AsyncSession, row: Mapping[str, Any]) -> None:
    await session.execute(upsert(TenantPingKey, key=["tenant_id"]), row)
