from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

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


async def owner_ids(session: AsyncSession, tenant_id: UUID) -> list[UUID]:
    rows = await session.scalars(
        select(Membership.user_id).where(Membership.tenant_id == tenant_id, Membership.role == "owner")
    )
    return list(rows)


async def plan_names(session: AsyncSession) -> list[tuple[UUID, str]]:
    """For the scanner's role only."""
    # cross-tenant: workers remove what is too old by each plan
    rows = await session.execute(select(Tenant.id, Tenant.plan).order_by(Tenant.id))
    return [(tenant_id, plan) for tenant_id, plan in rows]
