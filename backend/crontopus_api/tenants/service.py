"""Tenants: each an isolated customer with its own repository, endpoints and history."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Scope, enter
from crontopus_api.kit.errors import Conflict, Forbidden
from crontopus_api.kit.events import Events
from crontopus_api.kit.ids import uuid7
from crontopus_api.tenants import repository
from crontopus_api.tenants.models import Membership, Tenant
from crontopus_api.tenants.plans import DEFAULT_PLAN, PLANS, Plan

MOST_OWNED = 10


@dataclass(frozen=True)
class TenantCreated:
    tenant_id: UUID
    slug: str


@dataclass(frozen=True)
class TenantOf:
    """A tenant as one of its members sees it. `delete_at`: it was deleted, and ends then."""

    id: UUID
    slug: str
    name: str
    role: str
    plan: str
    delete_at: datetime | None = None
    discovery: bool = True

    @classmethod
    def of(cls, tenant: Tenant, role: str) -> "TenantOf":
        return cls(tenant.id, tenant.slug, tenant.name, role, tenant.plan, tenant.delete_at, tenant.discovery)


class TenantService:
    def __init__(self, clock: Clock, events: Events, default_plan: str = DEFAULT_PLAN) -> None:
        self._default_plan = default_plan
        self._clock = clock
        self._events = events

    async def create_personal(self, session: AsyncSession, *, slug: str, owner_id: UUID) -> TenantOf:
        """The tenant every user gets at registration. Leaves the session in the new tenant's scope.

        Raises Conflict when the slug is taken.
        """
        try:
            return await self._create(session, slug, slug, Actor("user", owner_id, slug))
        except repository.SlugTaken as error:
            raise Conflict(
                "That user name is taken.", code="username_taken", hint="Choose another one."
            ) from error

    async def create(self, session: AsyncSession, *, slug: str, name: str, owner: Actor) -> TenantOf:
        """One more tenant of a person. Leaves the session in its scope.

        Raises Conflict when the slug is taken, Forbidden when they own as many as anybody may.
        """
        assert owner.id is not None
        await repository.lock(session, f"tenants/{owner.id}")
        if await repository.count_owned(session, owner.id) >= MOST_OWNED:
            raise Forbidden(
                f"Nobody owns more than {MOST_OWNED} tenants.",
                code="quota_tenants",
                hint="Delete one, or hand one over.",
            )
        try:
            return await self._create(session, slug, name, owner)
        except repository.SlugTaken as error:
            raise Conflict("That address is taken.", code="slug_taken", hint="Choose another one.") from error

    async def get(self, session: AsyncSession, tenant_id: UUID, role: str) -> TenantOf:
        """As somebody with that role in it sees it."""
        tenant = await repository.get_tenant(session, tenant_id)
        assert tenant is not None  # whoever asks is in it
        return TenantOf.of(tenant, role)

    async def find(self, session: AsyncSession, tenant_id: UUID) -> Tenant | None:
        """For whoever comes later: it may be gone."""
        return await repository.get_tenant(session, tenant_id)

    async def rename(self, session: AsyncSession, tenant_id: UUID, actor: Actor, name: str) -> None:
        tenant = await repository.lock_tenant(session, tenant_id)
        assert tenant is not None
        before, tenant.name = tenant.name, name
        await session.flush()
        if before == name:
            return
        await audit.record(
            session,
            "tenant.renamed",
            actor,
            Subject("tenant", tenant_id, tenant.slug),
            at=self._clock.now(),
            tenant_id=tenant_id,
            before={"name": before},
            after={"name": name},
        )

    async def set_discovery(self, session: AsyncSession, tenant_id: UUID, actor: Actor, wanted: bool) -> None:
        """Whether what agents find on their machines is kept."""
        tenant = await repository.lock_tenant(session, tenant_id)
        assert tenant is not None
        before, tenant.discovery = tenant.discovery, wanted
        await session.flush()
        if before == wanted:
            return
        await audit.record(
            session,
            "tenant.discovery_changed",
            actor,
            Subject("tenant", tenant_id, tenant.slug),
            at=self._clock.now(),
            tenant_id=tenant_id,
            before={"discovery": before},
            after={"discovery": wanted},
        )

    async def of_user(self, session: AsyncSession, user_id: UUID) -> list[TenantOf]:
        """Oldest membership first; none that is being taken apart."""
        rows = await repository.memberships_of(session, user_id)
        return [TenantOf.of(tenant, role) for tenant, role in rows if tenant.purging_at is None]

    async def plan(self, session: AsyncSession, tenant_id: UUID) -> Plan:
        """What the tenant may use. A plan that is no longer offered is as good as the default one."""
        tenant = await repository.get_tenant(session, tenant_id)
        return self._plan_named(tenant.plan if tenant else "")

    async def plan_held(self, session: AsyncSession, tenant_id: UUID, limit: str) -> Plan:
        """The same, for whoever counts what `limit` is of and then adds to it: one at a time in each tenant."""
        await repository.lock(session, f"{limit}/{tenant_id}")
        return await self.plan(session, tenant_id)

    async def plans(self, session: AsyncSession) -> dict[UUID, Plan]:
        """What every tenant may use: for the scanner's role only."""
        return {tenant_id: self._plan_named(name) for tenant_id, name in await repository.plan_names(session)}

    async def owners(
        self, session: AsyncSession, tenant_ids: Collection[UUID]
    ) -> Sequence[tuple[UUID, UUID]]:
        """(tenant, user)"""
        return await repository.owners(session, tenant_ids)

    def _plan_named(self, name: str) -> Plan:
        return PLANS.get(name, PLANS[self._default_plan])

    async def _create(self, session: AsyncSession, slug: str, name: str, owner: Actor) -> TenantOf:
        assert owner.id is not None
        now = self._clock.now()
        tenant = Tenant(id=uuid7(), slug=slug, name=name, plan=self._default_plan, created_at=now)
        await enter(session, Scope(tenant_id=tenant.id, user_id=owner.id))
        await repository.add_tenant(session, tenant)
        membership = Membership(tenant_id=tenant.id, user_id=owner.id, role="owner", created_at=now)
        await repository.add_membership(session, membership)
        await self._events.emit(session, TenantCreated(tenant.id, slug))
        subject = Subject("tenant", tenant.id, slug)
        about = {"slug": slug, "name": name, "plan": tenant.plan}
        await audit.record(
            session, "tenant.created", owner, subject, at=now, tenant_id=tenant.id, after=about
        )
        return TenantOf.of(tenant, "owner")
