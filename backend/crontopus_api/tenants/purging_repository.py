"""Deleting all that a tenant has, whichever room's table it is in."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CursorResult, Delete, Table, delete, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.tenants.models import Tenant

BATCH = 5_000


async def due(session: AsyncSession, now: datetime) -> list[tuple[UUID, str, datetime | None]]:
    """(id, slug, since when it is being taken apart) of the tenants whose time is over: for the scanner's role only."""
    rows = await session.execute(  # cross-tenant: whoever ends tenants looks at all of them
        select(Tenant.id, Tenant.slug, Tenant.purging_at).where(Tenant.delete_at <= now).order_by(Tenant.id)
    )
    return [(row.id, row.slug, row.purging_at) for row in rows]


async def may_delete(session: AsyncSession, table: Table) -> bool:
    """Whether the role of tenants' own work may."""
    allowed = await session.scalar(select(func.has_table_privilege("crontopus_app", table.name, "DELETE")))
    return bool(allowed)


async def delete_all(session: AsyncSession, table: Table, tenant_id: UUID) -> int:
    return await _count(session, delete(table).where(table.c.tenant_id == tenant_id))


async def delete_some(session: AsyncSession, table: Table, tenant_id: UUID, most: int = BATCH) -> int:
    """So many at most, in the order of the key: found by its index however many there are."""
    key = [column for column in table.primary_key.columns if column.name != "tenant_id"]
    statement = delete(table).where(table.c.tenant_id == tenant_id)
    if key:
        mine = select(*key).where(table.c.tenant_id == tenant_id)
        last = (await session.execute(mine.order_by(*key).offset(most - 1).limit(1))).first()
        if last is not None:
            values = (literal(value, column.type) for value, column in zip(last, key, strict=True))
            statement = statement.where(tuple_(*key) <= tuple_(*values))
    return await _count(session, statement)


async def delete_tenant(session: AsyncSession, tenant_id: UUID) -> None:
    await session.execute(delete(Tenant).where(Tenant.id == tenant_id))


async def _count(session: AsyncSession, statement: Delete) -> int:
    result: Any = await session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount
