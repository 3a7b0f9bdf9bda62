"""Tenants and their members. Invitations have a file of their own."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.kit.sql import TENANTS
from crontopus_api.tenants.models import Membership, Tenant


class SlugTaken(Exception):
    pass


async def add_tenant(session: AsyncSession, tenant: Tenant) -> None:
    """Raises SlugTaken when another tenant has that slug."""
    session.add(tenant)
    try:
        await session.flush()
    except IntegrityError as error:
        raise SlugTaken(tenant.slug) from error


async def add_membership(session: AsyncSession, membership: Membership) -> None:
    session.add(membership)
    await session.flush()


async def get_tenant(session: AsyncSession, tenant_id: UUID) -> Tenant | None:
    return await session.scalar(select(Tenant).where(Tenant.id == tenant_id))


async def lock_tenant(session: AsyncSession, tenant_id: UUID) -> Tenant | None:
    """The tenant, held against everybody else who changes it or its members."""
    query = select(Tenant).where(Tenant.id == tenant_id).with_for_update(key_share=True)
    return await session.scalar(query.execution_options(populate_existing=True))


async def lock(session: AsyncSession, what: str) -> None:
    """One at a time until the transaction ends: for whoever counts and then adds, where two would count the same."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))"), {"what": what})


async def count_owned(session: AsyncSession, user_id: UUID) -> int:
    """Wherever they are."""
    query = select(func.count()).where(Membership.user_id == user_id, Membership.role == "owner")
    return await session.scalar(query) or 0


async def count_members(session: AsyncSession, tenant_id: UUID) -> int:
    return await session.scalar(select(func.count()).where(Membership.tenant_id == tenant_id)) or 0


async def get_membership(session: AsyncSession, tenant_id: UUID, user_id: UUID) -> Membership | None:
    query = select(Membership).where(Membership.tenant_id == tenant_id, Membership.user_id == user_id)
    return await session.scalar(query.execution_options(populate_existing=True))


async def members(
    session: AsyncSession, tenant_id: UUID, after: UUID | None, limit: int
) -> Sequence[Membership]:
    """By user id: in the order in which they registered."""
    query = select(Membership).where(Membership.tenant_id == tenant_id)
    if after is not None:
        query = query.where(Membership.user_id > after)
    return (await session.scalars(query.order_by(Membership.user_id).limit(limit))).all()


async def delete_membership(session: AsyncSession, tenant_id: UUID, user_id: UUID) -> None:
    await session.execute(
        delete(Membership).where(Membership.tenant_id == tenant_id, Membership.user_id == user_id)
    )


async def memberships_of(session: AsyncSession, user_id: UUID) -> list[tuple[Tenant, str]]:
    """Every tenant of a user with their role there, oldest first."""
    # cross-tenant: all that the person is a member of
    rows = await session.execute(
        select(Tenant, Membership.role)
        .join(Membership, Membership.tenant_id == Tenant.id)
        .where(Membership.user_id == user_id)
        .order_by(Membership.created_at, Tenant.id)
    )
    return [(tenant, role) for tenant, role in rows]


_OWNERS = select(Membership.tenant_id, Membership.user_id).where(
    Membership.tenant_id == TENANTS.c.tenant_id, Membership.role == "owner"
)


async def owners(session: AsyncSession, tenant_ids: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """(tenant, user)"""
    rows = await session.execute(_OWNERS, {"tenants": list(tenant_ids)})
    return [(row[0], row[1]) for row in rows]


async def plan_names(session: AsyncSession) -> list[tuple[UUID, str]]:
    """For the scanner's role only."""
    # cross-tenant: workers remove what is too old by each plan
    rows = await session.execute(select(Tenant.id, Tenant.plan).order_by(Tenant.id))
    return [(tenant_id, plan) for tenant_id, plan in rows]
