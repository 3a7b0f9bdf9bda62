"""Tenants: each an isolated customer with its own repository, endpoints and history."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Scope, enter
from crontopus_api.kit.errors import Conflict
from crontopus_api.kit.events import Events
from crontopus_api.kit.ids import uuid7
from crontopus_api.tenants import repository
from crontopus_api.tenants.models import Membership, Tenant
from crontopus_api.tenants.plans import DEFAULT_PLAN, PLANS, Plan


@dataclass(frozen=True)
class TenantCreated:
    tenant_id: UUID
    slug: str


@dataclass(frozen=True)
class TenantOf:
    """A tenant as one of its members sees it."""

    id: UUID
    slug: str
    name: str
    role: str


class TenantService:
    def __init__(self, clock: Clock, events: Events, default_plan: str = DEFAULT_PLAN) -> None:
        self._default_plan = default_plan
        self._clock = clock
        self._events = events

    async def create_personal(self, session: AsyncSession, *, slug: str, owner_id: UUID) -> TenantOf:
        """The tenant every user gets at registration. Leaves the session in the new tenant's scope.

        Raises Conflict when the slug is taken.
        """
        tenant = Tenant(
            id=uuid7(), slug=slug, name=slug, plan=self._default_plan, created_at=self._clock.now()
        )
        await enter(session, Scope(tenant_id=tenant.id, user_id=owner_id))
        try:
            await repository.add_tenant(session, tenant)
        except repository.SlugTaken as error:
            raise Conflict(
                "That user name is taken.", code="username_taken", hint="Choose another one."
            ) from error
        membership = Membership(
            tenant_id=tenant.id, user_id=owner_id, role="owner", created_at=self._clock.now()
        )
        await repository.add_membership(session, membership)
        await self._events.emit(session, TenantCreated(tenant.id, slug))
        return TenantOf(tenant.id, tenant.slug, tenant.name, "owner")

    async def of_user(self, session: AsyncSession, user_id: UUID) -> list[TenantOf]:
        rows = await repository.memberships_of(session, user_id)
        return [TenantOf(tenant.id, tenant.slug, tenant.name, role) for tenant, role in rows]

    async def plan(self, session: AsyncSession, tenant_id: UUID) -> Plan:
        """What the tenant may use. A plan that is no longer offered is as good as the default one."""
        tenant = await repository.get_tenant(session, tenant_id)
        return self._plan_named(tenant.plan if tenant else "")

    async def plans(self, session: AsyncSession) -> dict[UUID, Plan]:
        """What every tenant may use: for the scanner's role only."""
        return {tenant_id: self._plan_named(name) for tenant_id, name in await repository.plan_names(session)}

    def _plan_named(self, name: str) -> Plan:
        return PLANS.get(name, PLANS[self._default_plan])

    async def owner_ids(self, session: AsyncSession, tenant_id: UUID) -> list[UUID]:
        return await repository.owner_ids(session, tenant_id)
