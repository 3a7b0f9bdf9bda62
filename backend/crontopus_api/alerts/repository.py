from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, bindparam, column, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crontopus_api.alerts.folding import Trouble
from crontopus_api.alerts.kinds import OF_STATUS, OF_WARNINGS
from crontopus_api.alerts.models import Delivery, Incident, IncidentEvent
from crontopus_api.kit.sql import TENANTS, WANTED, Key, any_id, sent, table

_OPEN = Incident.state != "resolved"
_LOCKED = select(Incident).order_by(Incident.id.desc()).with_for_update(of=Incident)
_WATCHED = _LOCKED.where(
    Incident.tenant_id == TENANTS.c.tenant_id, _OPEN, Incident.kind.in_(["outage", "repository_invalid"])
)
_OF_INSTANCES = _LOCKED.where(
    Incident.tenant_id == WANTED.c.tenant_id, Incident.instance_id == WANTED.c.id, _OPEN
)
_STILL_OPEN = _LOCKED.where(Incident.tenant_id == WANTED.c.tenant_id, Incident.id == WANTED.c.id, _OPEN)
_OF_ENDPOINTS = _LOCKED.where(
    Incident.tenant_id == WANTED.c.tenant_id,
    Incident.endpoint_id == WANTED.c.id,
    Incident.instance_id.is_(None),
    or_(_OPEN, Incident.resolved_by.is_not(None) & (Incident.resolved_at >= bindparam("since"))),
)


async def watched(session: AsyncSession, tenant_ids: Collection[UUID]) -> Sequence[Incident]:
    """Locked: open outages, and what is open about the tenants' repositories."""
    return (await session.scalars(_WATCHED, {"tenants": list(tenant_ids)})).all()


async def of_instances(session: AsyncSession, instances: Collection[Key]) -> Sequence[Incident]:
    """Locked: open ones."""
    return (await session.scalars(_OF_INSTANCES, sent(instances))).all()


class Past(NamedTuple):
    """What is known of an instance's status: its `open` incident, and how many began `lately`."""

    open: UUID | None
    lately: int


# Looked up for each, by an index that has them in order of the instances. Where little has happened for long,
# PostgreSQL believes that it may as well go through all of the tenant's incidents, for each of a thousand. So it may
# not sort; and of what is equal to something there is no order, but of what is between this and that. The kinds are
# written as the index's predicate has them: a parameter is no proof.
_IN_ORDER = text("SET LOCAL enable_sort = off")
_IN_ANY_WAY = text("SET LOCAL enable_sort = on")
_PAST = text(
    """
    SELECT w.tenant_id, w.id, o.id AS open, l.lately
    FROM unnest(CAST(:tenants AS uuid[]), CAST(:ids AS uuid[])) AS w(tenant_id, id)
    LEFT JOIN LATERAL (
        SELECT i.id FROM incidents i
        WHERE i.tenant_id = w.tenant_id AND i.instance_id BETWEEN w.id AND w.id
            AND i.state <> 'resolved' AND i.kind NOT IN ('too_often', 'slow')
        ORDER BY i.instance_id LIMIT 1
    ) o ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS lately FROM (
            SELECT i.kind FROM incidents i
            WHERE i.tenant_id = w.tenant_id AND i.instance_id BETWEEN w.id AND w.id AND i.opened_at >= :since
            ORDER BY i.instance_id, i.opened_at
        ) r WHERE r.kind NOT IN ('too_often', 'slow')
    ) l
    WHERE o.id IS NOT NULL OR l.lately > 0
    """
)


async def past(session: AsyncSession, instances: Collection[Key], since: datetime) -> dict[Key, Past]:
    """`since`: what began then or later did so lately. Those without a past are left out."""
    await session.execute(_IN_ORDER)
    rows = await session.execute(_PAST, sent(instances) | {"since": since})
    await session.execute(_IN_ANY_WAY)
    return {Key(*row[:2]): Past(*row[2:]) for row in rows}


async def still_open(session: AsyncSession, incidents: Collection[Key]) -> Sequence[Incident]:
    """Locked: those of them that are."""
    return (await session.scalars(_STILL_OPEN, sent(incidents))).all()


async def of_endpoints(
    session: AsyncSession, endpoints: Collection[Key], since: datetime | None
) -> Sequence[Incident]:
    """Locked: open ones of the machines themselves, and those that somebody resolved after `since`. Newest first."""
    return (await session.scalars(_OF_ENDPOINTS, sent(endpoints) | {"since": since})).all()


async def ended_by_hand(
    session: AsyncSession, tenant_id: UUID, kinds: Sequence[str], since: datetime
) -> Sequence[Incident]:
    """Of these kinds, resolved by somebody after `since`."""
    query = select(Incident).where(
        Incident.tenant_id == tenant_id,
        Incident.kind.in_(kinds),
        Incident.resolved_by.is_not(None),
        Incident.resolved_at >= since,
    )
    return (await session.scalars(query.order_by(Incident.id.desc()))).all()


async def latest_warnings(
    session: AsyncSession, tenant_id: UUID, instance_ids: Sequence[UUID]
) -> dict[tuple[UUID, str], datetime]:
    """When the newest incident of each instance and kind of warning began."""
    query = (
        select(Incident.instance_id, Incident.kind, func.max(Incident.opened_at).label("opened_at"))
        .where(
            Incident.tenant_id == tenant_id,
            any_id(Incident.instance_id, instance_ids),
            Incident.kind.in_(OF_WARNINGS),
        )
        .group_by(Incident.instance_id, Incident.kind)
    )
    return {(row.instance_id, row.kind): row.opened_at for row in await session.execute(query)}


async def open_of_kinds(session: AsyncSession, tenant_id: UUID, kinds: Sequence[str]) -> Sequence[Incident]:
    query = select(Incident).where(
        Incident.tenant_id == tenant_id, Incident.kind.in_(kinds), Incident.state != "resolved"
    )
    return (await session.scalars(query.order_by(Incident.id))).all()


_SINCE = (
    func.unnest(
        bindparam("tenants", type_=ARRAY(Uuid)), bindparam("since", type_=ARRAY(DateTime(timezone=True)))
    )
    .table_valued(column("tenant_id", Uuid), column("at", DateTime(timezone=True)))
    .render_derived(name="since")
)
# What it stands beside: nothing, or the others of what holds it.
_COMPANY = (Incident.tenant_id, func.coalesce(Incident.parent_id, Incident.id))
_RECENT = (
    select(
        Incident.tenant_id,
        Incident.id,
        Incident.job_id,
        Incident.opened_at,
        Incident.commit_id,
        Incident.parent_id,
    )
    .join(_SINCE, (Incident.tenant_id == _SINCE.c.tenant_id) & (Incident.opened_at >= _SINCE.c.at))
    .where(Incident.kind.in_(OF_STATUS), Incident.state != "resolved")
    .ext(distinct_on(*_COMPANY))
    .order_by(*_COMPANY, Incident.opened_at.desc(), Incident.id)
)


async def recent(session: AsyncSession, since: Mapping[UUID, datetime]) -> dict[UUID, list[Trouble]]:
    """By tenant, open incidents of jobs that began since then; of those that another incident holds the newest only:
    an outage may hold thousands."""
    found: dict[UUID, list[Trouble]] = {}
    given = {"tenants": list(since), "since": list(since.values())}
    for row in await session.execute(_RECENT, given):
        found.setdefault(row[0], []).append(Trouble(*row[1:]))  # type: ignore[arg-type]  # of a job
    return found


_MISSED = (
    select(Incident.tenant_id, Incident.endpoint_id, func.count())
    .where(
        Incident.tenant_id == WANTED.c.tenant_id,
        Incident.endpoint_id == WANTED.c.id,
        Incident.kind == "missed",
        _OPEN,
    )
    .group_by(Incident.tenant_id, Incident.endpoint_id)
)


async def missed_of_endpoints(session: AsyncSession, endpoints: Collection[Key]) -> dict[Key, int]:
    """How many open incidents of missed jobs there are on each."""
    rows = await session.execute(_MISSED, sent(endpoints))
    return {Key(tenant_id, endpoint): count for tenant_id, endpoint, count in rows}  # type: ignore[arg-type]


_STATES = select(Incident.tenant_id, Incident.id, Incident.state).where(
    Incident.tenant_id == WANTED.c.tenant_id, Incident.id == WANTED.c.id
)


async def states_of(session: AsyncSession, incidents: Collection[Key]) -> dict[Key, str]:
    return {Key(*row[:2]): row[2] for row in await session.execute(_STATES, sent(incidents))}


async def put_under(session: AsyncSession, tenant_id: UUID, ids: Sequence[UUID], parent_id: UUID) -> None:
    """Incidents that stood alone become a part of another one."""
    statement = update(table(Incident)).where(Incident.tenant_id == tenant_id, any_id(Incident.id, ids))
    await session.execute(statement.values(parent_id=parent_id))


async def alone_on_endpoint(
    session: AsyncSession, tenant_id: UUID, endpoint_id: UUID, since: datetime
) -> Sequence[UUID]:
    """Open incidents of jobs there that began since then, and that none holds."""
    query = select(Incident.id).where(
        Incident.tenant_id == tenant_id,
        Incident.endpoint_id == endpoint_id,
        Incident.opened_at >= since,
        Incident.kind.in_(OF_STATUS),
        Incident.state != "resolved",
        Incident.parent_id.is_(None),
    )
    return (await session.scalars(query.order_by(Incident.id))).all()


class Remaining(NamedTuple):
    """A child that is still open."""

    parent_id: UUID
    job_id: UUID | None


async def open_children(
    session: AsyncSession, tenant_id: UUID, parent_ids: Sequence[UUID]
) -> list[Remaining]:
    """Oldest first."""
    query = (
        select(Incident.parent_id, Incident.job_id)
        .where(
            Incident.tenant_id == tenant_id,
            any_id(Incident.parent_id, parent_ids),
            Incident.state != "resolved",
        )
        .order_by(Incident.opened_at, Incident.id)
    )
    return [Remaining(*row) for row in await session.execute(query)]  # type: ignore[arg-type]  # of these


async def child_counts(session: AsyncSession, tenant_id: UUID, parent_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many incidents each of these holds or held."""
    query = (
        select(Incident.parent_id, func.count().label("children"))
        .where(Incident.tenant_id == tenant_id, any_id(Incident.parent_id, parent_ids))
        .group_by(Incident.parent_id)
    )
    return {row.parent_id: row.children for row in await session.execute(query)}


async def damped(session: AsyncSession, tenant_id: UUID, well_before: datetime) -> Sequence[Incident]:
    """Locked: those that went wrong and right again, and have been well since before then."""
    query = select(Incident).where(
        Incident.tenant_id == tenant_id,
        Incident.flapping,
        Incident.state != "resolved",
        Incident.well_since <= well_before,
    )
    return (await session.scalars(query.order_by(Incident.id).with_for_update())).all()


async def childless_outages(session: AsyncSession, tenant_id: UUID) -> Sequence[Incident]:
    """Locked: open outages of which everything is over."""
    child = aliased(Incident)
    left = exists().where(
        child.tenant_id == Incident.tenant_id, child.parent_id == Incident.id, child.state != "resolved"
    )
    query = select(Incident).where(
        Incident.tenant_id == tenant_id, Incident.kind == "outage", Incident.state != "resolved", ~left
    )
    return (await session.scalars(query.order_by(Incident.id).with_for_update())).all()


@dataclass(frozen=True)
class IncidentFilter:
    """`top`: without those that another one holds. `since`: opened then or later."""

    state: str | None = None
    kind: str | None = None
    severity: str | None = None
    job_id: UUID | None = None
    endpoint_id: UUID | None = None
    parent_id: UUID | None = None
    top: bool = False
    since: datetime | None = None


async def page(
    session: AsyncSession,
    tenant_id: UUID,
    wanted: IncidentFilter,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[Incident]:
    """Newest first."""
    query = select(Incident).where(Incident.tenant_id == tenant_id)
    for name in ("state", "kind", "severity", "job_id", "endpoint_id", "parent_id"):
        if (value := getattr(wanted, name)) is not None:
            query = query.where(getattr(Incident, name) == value)
    if wanted.top:
        query = query.where(Incident.parent_id.is_(None))
    if wanted.since is not None:
        query = query.where(Incident.opened_at >= wanted.since)
    if after is not None:
        query = query.where(func.row(Incident.opened_at, Incident.id) < func.row(*after))
    query = query.order_by(Incident.opened_at.desc(), Incident.id.desc())
    return (await session.scalars(query.limit(limit))).all()


async def get(session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> Incident | None:
    query = select(Incident).where(Incident.tenant_id == tenant_id, Incident.id == incident_id)
    return await session.scalar(query)


async def events(session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> Sequence[IncidentEvent]:
    """Oldest first."""
    query = (
        select(IncidentEvent)
        .where(IncidentEvent.tenant_id == tenant_id, IncidentEvent.incident_id == incident_id)
        .order_by(IncidentEvent.at, IncidentEvent.id)
    )
    return (await session.scalars(query)).all()


async def deliveries(session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> Sequence[Delivery]:
    """Oldest first."""
    query = (
        select(Delivery)
        .where(Delivery.tenant_id == tenant_id, Delivery.incident_id == incident_id)
        .order_by(Delivery.id)
    )
    return (await session.scalars(query)).all()


async def lock(session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> Incident | None:
    query = select(Incident).where(Incident.tenant_id == tenant_id, Incident.id == incident_id)
    return await session.scalar(query.with_for_update())


async def open_of_channel(session: AsyncSession, tenant_id: UUID, row: dict[str, Any]) -> bool:
    """Add the incident; False when one of that channel is open already."""
    statement = insert(table(Incident)).values(row | {"tenant_id": tenant_id})
    result = await session.execute(statement.on_conflict_do_nothing().returning(Incident.id))
    return result.first() is not None


async def resolve_of_channel(
    session: AsyncSession, tenant_id: UUID, channel_id: UUID, at: datetime
) -> UUID | None:
    """The one that was open, if one was."""
    statement = (
        update(table(Incident))
        .where(
            Incident.tenant_id == tenant_id, Incident.channel_id == channel_id, Incident.state != "resolved"
        )
        .values(state="resolved", resolved_at=at)
    )
    return (await session.execute(statement.returning(Incident.id))).scalar()
