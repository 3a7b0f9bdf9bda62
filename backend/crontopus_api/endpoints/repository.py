from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints.models import Endpoint, EndpointCondition, EndpointEvent, EndpointNonce
from crontopus_api.kit.sql import WANTED, Key, sent


async def add(session: AsyncSession, endpoint: Endpoint) -> None:
    session.add(endpoint)
    await session.flush()


async def get(session: AsyncSession, tenant_id: UUID, endpoint_id: UUID) -> Endpoint | None:
    query = select(Endpoint).where(Endpoint.tenant_id == tenant_id, Endpoint.id == endpoint_id)
    return await session.scalar(query)


async def held(session: AsyncSession, tenant_id: UUID, endpoint_id: UUID) -> Endpoint | None:
    """The same, locked: nobody else changes it until this transaction ends."""
    query = select(Endpoint).where(Endpoint.tenant_id == tenant_id, Endpoint.id == endpoint_id)
    # Others may have changed it since this session read it first.
    return await session.scalar(query.with_for_update().execution_options(populate_existing=True))


async def of_machine(session: AsyncSession, tenant_id: UUID, machine_id: str) -> Endpoint | None:
    """The endpoint that was last enrolled on a machine and is neither revoked nor locked; held."""
    query = select(Endpoint).where(
        Endpoint.tenant_id == tenant_id,
        Endpoint.machine_id == machine_id,
        Endpoint.revoked_at.is_(None),
        Endpoint.locked_at.is_(None),
    )
    return await session.scalar(query.order_by(Endpoint.enrolled_at.desc()).limit(1).with_for_update())


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


_TOLD = ("job_id", "instance_id", "type", "reason", "message")


async def replace_conditions(
    session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, rows: list[dict[str, Any]]
) -> list[Mapping[str, Any]]:
    """The agent's report is complete: what it no longer mentions is gone. Answers those that are new or changed."""
    await session.execute(
        delete(EndpointCondition).where(
            EndpointCondition.tenant_id == tenant_id,
            EndpointCondition.endpoint_id == endpoint_id,
            EndpointCondition.instance_id.not_in([row["instance_id"] for row in rows]),
        )
    )
    if not rows:
        return []
    statement = insert(EndpointCondition).values(rows)
    new = statement.excluded
    told = await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "instance_id"],
            set_={name: new[name] for name in ("type", "reason", "message", "at")},
            # `at` is when a condition began, so an unchanged one keeps its row.
            where=(EndpointCondition.type != new.type)
            | (EndpointCondition.reason != new.reason)
            | (EndpointCondition.message != new.message),
        ).returning(*(getattr(EndpointCondition, name) for name in _TOLD))
    )
    return [dict(row) for row in told.mappings()]


_CONDITIONS = select(EndpointCondition).where(
    EndpointCondition.tenant_id == WANTED.c.tenant_id, EndpointCondition.instance_id == WANTED.c.id
)


async def conditions(session: AsyncSession, instances: Collection[Key]) -> dict[Key, EndpointCondition]:
    rows = await session.scalars(_CONDITIONS, sent(instances))
    return {Key(row.tenant_id, row.instance_id): row for row in rows}


async def not_ready(
    session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, limit: int | None = None
) -> Sequence[EndpointCondition]:
    """What is not as it should be on an endpoint, newest first."""
    query = select(EndpointCondition).where(
        EndpointCondition.tenant_id == tenant_id,
        EndpointCondition.endpoint_id == endpoint_id,
        EndpointCondition.type != "Ready",
    )
    query = query.order_by(EndpointCondition.at.desc(), EndpointCondition.instance_id)
    return (await session.scalars(query.limit(limit) if limit is not None else query)).all()


class Trouble(NamedTuple):
    """The instances of an endpoint in one condition that is not as it should be. `message`: of the newest."""

    tenant_id: UUID
    endpoint_id: UUID
    type: str
    instances: int
    newest: datetime
    reasons: list[str]
    message: str


async def troubles(session: AsyncSession, endpoints: Collection[Key]) -> list[Trouble]:
    """What is stalled or drifted on these endpoints."""
    last = func.array_agg(aggregate_order_by(EndpointCondition.message, EndpointCondition.at.desc()))
    rows = await session.execute(
        select(
            EndpointCondition.tenant_id,
            EndpointCondition.endpoint_id,
            EndpointCondition.type,
            func.count(),
            func.max(EndpointCondition.at),
            func.array_agg(EndpointCondition.reason.distinct()),
            last[1],
        )
        .where(
            EndpointCondition.tenant_id == WANTED.c.tenant_id,
            EndpointCondition.endpoint_id == WANTED.c.id,
            EndpointCondition.type.in_(["Stalled", "Drifted"]),
        )
        .group_by(EndpointCondition.tenant_id, EndpointCondition.endpoint_id, EndpointCondition.type),
        sent(endpoints),
    )
    return [Trouble(*row) for row in rows]


_KNOWN = (
    select(Endpoint)
    .where(Endpoint.tenant_id == WANTED.c.tenant_id, Endpoint.id == WANTED.c.id)
    .order_by(Endpoint.id)
)


async def known(session: AsyncSession, endpoints: Collection[Key]) -> Sequence[Endpoint]:
    """Also revoked ones."""
    return (await session.scalars(_KNOWN, sent(endpoints))).all()


async def condition_types(session: AsyncSession, tenant_id: UUID, endpoint_id: UUID) -> dict[str, int]:
    """How many conditions of each type an endpoint has."""
    rows = await session.execute(
        select(EndpointCondition.type, func.count().label("instances"))
        .where(EndpointCondition.tenant_id == tenant_id, EndpointCondition.endpoint_id == endpoint_id)
        .group_by(EndpointCondition.type)
    )
    return {row.type: row.instances for row in rows}


async def add_events(session: AsyncSession, events: Sequence[EndpointEvent]) -> None:
    session.add_all(events)
    await session.flush()


async def events_page(
    session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, after: UUID | None, limit: int
) -> Sequence[EndpointEvent]:
    """Newest first."""
    query = select(EndpointEvent).where(
        EndpointEvent.tenant_id == tenant_id, EndpointEvent.endpoint_id == endpoint_id
    )
    if after is not None:
        query = query.where(EndpointEvent.id < after)
    return (await session.scalars(query.order_by(EndpointEvent.id.desc()).limit(limit))).all()


async def tenants_with_silent(session: AsyncSession, before: datetime) -> Sequence[UUID]:
    """Tenants of endpoints last heard of before then, and not known to be offline. For the scanner's role only."""
    # cross-tenant: workers watch over everybody's endpoints
    query = select(Endpoint.tenant_id).where(_silent(before)).distinct().limit(1000)
    return (await session.scalars(query)).all()


async def declare_offline(
    session: AsyncSession, tenant_id: UUID, before: datetime, now: datetime
) -> Sequence[Endpoint]:
    """Those of a tenant that have been silent since before then. Whoever is being heard at this moment is not."""
    found = await session.scalars(
        select(Endpoint)
        .where(Endpoint.tenant_id == tenant_id, _silent(before))
        .order_by(Endpoint.id)
        .with_for_update(skip_locked=True)
    )
    silent = found.all()
    for endpoint in silent:
        endpoint.offline_since = now
    await session.flush()
    return silent


def _silent(before: datetime) -> ColumnElement[bool]:
    return and_(
        Endpoint.last_seen_at < before, Endpoint.revoked_at.is_(None), Endpoint.offline_since.is_(None)
    )


async def remove_old_events(session: AsyncSession, before: datetime, limit: int) -> int:
    """How many were removed. For the scanner's role only."""
    # cross-tenant: what is too old is too old for everybody
    old = select(EndpointEvent.tenant_id, EndpointEvent.id).where(EndpointEvent.at < before).limit(limit)
    # cross-tenant: the same
    statement = delete(EndpointEvent).where(tuple_(EndpointEvent.tenant_id, EndpointEvent.id).in_(old))
    gone = await session.execute(statement.returning(EndpointEvent.id))
    return len(gone.all())


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
