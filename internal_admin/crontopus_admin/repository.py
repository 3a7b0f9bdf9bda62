"""What operators see of tenants: read models across features, so no single feature can own them.

Each query names its columns: none carries a secret, a hash or the contents of a tenant's job.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, case, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts.models import Incident
from crontopus_api.endpoints.models import Endpoint
from crontopus_api.endpoints.service import OFFLINE_AFTER
from crontopus_api.identity.models import AuditEntry, User
from crontopus_api.jobs.models import Job, Repository
from crontopus_api.tenants.models import Membership, Tenant

Found = Row[*tuple[Any, ...]]
Query = Select[*tuple[Any, ...]]


def _of_tenant(model: type[Membership | Job | Endpoint | Incident], *where: ColumnElement[bool]) -> Any:
    """How many rows of `model` a tenant has."""
    return (
        select(func.count()).select_from(model).where(model.tenant_id == Tenant.id, *where).scalar_subquery()
    )


def tenants() -> Query:
    return select(
        Tenant.id,
        Tenant.slug,
        Tenant.name,
        Tenant.plan,
        Tenant.created_at,
        _of_tenant(Membership).label("members"),
        _of_tenant(Job, Job.deleted_at.is_(None)).label("jobs"),
        _of_tenant(Endpoint, Endpoint.revoked_at.is_(None)).label("endpoints"),
        _of_tenant(Incident, Incident.state == "open").label("open_incidents"),
        Repository.projected_commit,
        Repository.projected_at,
    ).outerjoin(Repository, Repository.tenant_id == Tenant.id)


def users() -> Query:
    slugs = (
        select(func.string_agg(Tenant.slug, aggregate_order_by(literal(", "), Tenant.slug)))
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == User.id)
        .scalar_subquery()
    )
    return select(User.id, User.username, User.email, User.created_at, slugs.label("tenants"))


def endpoints() -> Query:
    online = Endpoint.last_seen_at > func.clock_timestamp() - OFFLINE_AFTER
    state = case((Endpoint.revoked_at.is_not(None), "revoked"), (online, "online"), else_="offline")
    return select(
        Endpoint.id,
        Tenant.slug.label("tenant"),
        Endpoint.name,
        Endpoint.hostname,
        (Endpoint.platform + "/" + Endpoint.arch).label("system"),
        Endpoint.agent_version,
        state.label("state"),
        Endpoint.last_seen_at,
        Endpoint.spool_pending,
        Endpoint.applied_commit,
        Endpoint.enrolled_at,
    ).join(Tenant, Tenant.id == Endpoint.tenant_id)


def operators_log() -> Query:
    """What operators did, and what was done to them: the entries of no tenant and no account."""
    return select(
        AuditEntry.id,
        AuditEntry.at,
        AuditEntry.actor_name.label("actor"),
        AuditEntry.action,
        AuditEntry.subject_name.label("subject"),
        AuditEntry.address,
        AuditEntry.agent,
    ).where(AuditEntry.tenant_id.is_(None), AuditEntry.account_id.is_(None))


def members_of(tenant_id: UUID) -> Query:
    return (
        select(User.id, User.username, User.email, Membership.role, Membership.created_at.label("since"))
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.tenant_id == tenant_id)
        .order_by(User.username)
    )


def endpoints_of(tenant_id: UUID) -> Query:
    return endpoints().where(Endpoint.tenant_id == tenant_id).order_by(Endpoint.name, Endpoint.id)


def open_incidents_of(tenant_id: UUID) -> Query:
    return (
        select(Incident.id, Incident.kind, Incident.severity, Incident.title, Incident.opened_at)
        .where(Incident.tenant_id == tenant_id, Incident.state == "open")
        .order_by(Incident.opened_at.desc(), Incident.id)
    )


async def page(
    session: AsyncSession,
    query: Query,
    *,
    search: str | None,
    searched: Sequence[str],
    sorts: Sequence[tuple[str, str]],
    skip: int,
    limit: int,
) -> Sequence[Found]:
    """Rows of a query that hold `search` in one of the `searched` columns. `sorts`: (column, "asc" or "desc")."""
    rows = query.subquery()
    wanted = select(rows).where(*_matches(rows.c, search, searched)).offset(skip).limit(limit)
    for name, direction in sorts:
        column = rows.c[name]
        wanted = wanted.order_by(column.desc().nulls_last() if direction == "desc" else column.asc())
    return (await session.execute(wanted.order_by(rows.c.id))).all()


async def count(session: AsyncSession, query: Query, *, search: str | None, searched: Sequence[str]) -> int:
    rows = query.subquery()
    wanted = select(func.count()).select_from(rows).where(*_matches(rows.c, search, searched))
    return (await session.execute(wanted)).scalar_one()


async def by_id(session: AsyncSession, query: Query, identifier: UUID) -> Found | None:
    rows = query.subquery()
    return (await session.execute(select(rows).where(rows.c.id == identifier))).first()


async def top(session: AsyncSession, query: Query, limit: int) -> Sequence[Found]:
    return (await session.execute(query.limit(limit))).all()


def _matches(columns: Any, search: str | None, searched: Sequence[str]) -> list[ColumnElement[bool]]:
    if not search:
        return []
    return [or_(*(cast(columns[name], Text).icontains(search, autoescape=True) for name in searched))]
