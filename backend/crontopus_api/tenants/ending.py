"""How a tenant ends: deleted by an owner, taken back within the time of grace, or taken apart after it."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.errors import Conflict, Invalid
from crontopus_api.tenants import repository
from crontopus_api.tenants.models import Tenant


class EndingService:
    """`grace`: how long a deleted tenant works on."""

    def __init__(self, clock: Clock, grace: timedelta) -> None:
        self._clock = clock
        self._grace = grace

    async def delete(self, session: AsyncSession, tenant_id: UUID, actor: Actor, confirm: str) -> bool:
        """From now on it has an end. False: it had one already, which stays. Raises Invalid."""
        tenant = await self._held(session, tenant_id)
        if confirm != tenant.slug:
            raise Invalid(
                "`confirm` is not the slug of this tenant.",
                code="not_confirmed",
                hint=f"Send `{tenant.slug}` if this is the one to be deleted.",
            )
        if tenant.delete_at is not None:
            return False
        tenant.delete_at = self._clock.now() + self._grace
        await session.flush()
        await self._record(session, "tenant.deleted", actor, tenant, after={"delete_at": tenant.delete_at})
        return True

    async def restore(self, session: AsyncSession, tenant_id: UUID, actor: Actor) -> None:
        """It has no end any more. Raises Conflict when that has begun."""
        tenant = await self._held(session, tenant_id)
        if tenant.delete_at is not None:
            before = {"delete_at": tenant.delete_at}
            tenant.delete_at = None
            await session.flush()
            await self._record(session, "tenant.restored", actor, tenant, before=before)

    async def _held(self, session: AsyncSession, tenant_id: UUID) -> Tenant:
        tenant = await repository.lock_tenant(session, tenant_id)
        if tenant is None or tenant.purging_at is not None:
            raise Conflict("The tenant is being removed.", code="tenant_ended")
        return tenant

    async def _record(
        self,
        session: AsyncSession,
        action: str,
        actor: Actor,
        tenant: Tenant,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        await audit.record(
            session,
            action,
            actor,
            Subject("tenant", tenant.id, tenant.slug),
            at=self._clock.now(),
            tenant_id=tenant.id,
            before=before,
            after=after,
        )
