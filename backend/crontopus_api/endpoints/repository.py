from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints.models import Endpoint, EndpointCondition, EndpointNonce


async def add(session: AsyncSession, endpoint: Endpoint) -> None:
    session.add(endpoint)
    await session.flush()


async def get(session: AsyncSession, tenant_id: UUID, endpoint_id: UUID) -> Endpoint | None:
    query = select(Endpoint).where(Endpoint.tenant_id == tenant_id, Endpoint.id == endpoint_id)
    return await session.scalar(query)


async def page(session: AsyncSession, tenant_id: UUID, after: UUID | None, limit: int) -> Sequence[Endpoint]:
    """Newest first."""
    query = select(Endpoint).where(Endpoint.tenant_id == tenant_id)
    if after is not None:
        query = query.where(Endpoint.id < after)
    return (await session.scalars(query.order_by(Endpoint.id.desc()).limit(limit))).all()


async def active(session: AsyncSession, tenant_id: UUID) -> Sequence[Endpoint]:
    query = select(Endpoint).where(Endpoint.tenant_id == tenant_id, Endpoint.revoked_at.is_(None))
    return (await session.scalars(query.order_by(Endpoint.id))).all()


async def count_active(session: AsyncSession, tenant_id: UUID) -> int:
    query = select(func.count()).where(Endpoint.tenant_id == tenant_id, Endpoint.revoked_at.is_(None))
    return await session.scalar(query) or 0


async def names(session: AsyncSession, tenant_id: UUID) -> dict[UUID, str]:
    rows = await session.execute(select(Endpoint.id, Endpoint.name).where(Endpoint.tenant_id == tenant_id))
    return {row.id: row.name for row in rows}


async def change(session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, **values: Any) -> None:
    await session.execute(
        update(Endpoint).where(Endpoint.tenant_id == tenant_id, Endpoint.id == endpoint_id).values(**values)
    )


async def replace_conditions(
    session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, rows: list[dict[str, Any]]
) -> None:
    """The agent's report is complete: what it no longer mentions is gone."""
    await session.execute(
        delete(EndpointCondition).where(
            EndpointCondition.tenant_id == tenant_id,
            EndpointCondition.endpoint_id == endpoint_id,
            EndpointCondition.instance_id.not_in([row["instance_id"] for row in rows]),
        )
    )
    if not rows:
        return
    statement = insert(EndpointCondition).values(rows)
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "instance_id"],
            set_={name: new[name] for name in ("type", "reason", "message", "at")},
            # `at` is when a condition began, so an unchanged one keeps its row.
            where=(EndpointCondition.type != new.type)
            | (EndpointCondition.reason != new.reason)
            | (EndpointCondition.message != new.message),
        )
    )


async def conditions(
    session: AsyncSession, tenant_id: UUID, instance_ids: Sequence[UUID]
) -> dict[UUID, EndpointCondition]:
    rows = await session.scalars(
        select(EndpointCondition).where(
            EndpointCondition.tenant_id == tenant_id, EndpointCondition.instance_id.in_(instance_ids)
        )
    )
    return {row.instance_id: row for row in rows}


async def use_nonce(
    session: AsyncSession,
    tenant_id: UUID,
    endpoint_id: UUID,
    nonce: str,
    now: datetime,
    forget_before: datetime,
) -> bool:
    """Whether this nonce is used for the first time."""
    await session.execute(
        delete(EndpointNonce).where(
            EndpointNonce.tenant_id == tenant_id,
            EndpointNonce.endpoint_id == endpoint_id,
            EndpointNonce.used_at < forget_before,
        )
    )
    result = await session.execute(
        insert(EndpointNonce)
        .values(tenant_id=tenant_id, endpoint_id=endpoint_id, nonce=nonce, used_at=now)
        .on_conflict_do_nothing()
        .returning(EndpointNonce.nonce)
    )
    return result.first() is not None


async def condition_counts(session: AsyncSession, tenant_id: UUID) -> dict[UUID, int]:
    rows = await session.execute(
        select(EndpointCondition.endpoint_id, func.count().label("instances"))
        .where(EndpointCondition.tenant_id == tenant_id)
        .group_by(EndpointCondition.endpoint_id)
    )
    return {row.endpoint_id: row.instances for row in rows}
