"""Who is told of an incident."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.people import PeopleService
from crontopus_api.tenants.service import TenantService


class Router:
    """The default route, there from the first minute: an email to every owner of the tenant."""

    def __init__(self, tenants: TenantService, people: PeopleService) -> None:
        self._tenants = tenants
        self._people = people

    async def targets(self, session: AsyncSession, tenant_id: UUID) -> list[tuple[str, str]]:
        """(channel, target) pairs: the same for every incident of a tenant."""
        owners = await self._tenants.owner_ids(session, tenant_id)
        return [("email", address) for address in await self._people.emails(session, owners)]
