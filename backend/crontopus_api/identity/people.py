"""People as the rest of the product needs to know them."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import repository
from crontopus_api.identity.principal import Principal
from crontopus_api.kit.errors import Unauthenticated

SYSTEM_AUTHOR = ("crontopus", "noreply@crontopus.invalid")


class PeopleService:
    async def author(self, session: AsyncSession, principal: Principal) -> tuple[str, str]:
        """(user name, email address) of the person who acts. Raises Forbidden for machines."""
        if principal.kind == "system":
            return SYSTEM_AUTHOR
        user = await repository.get_user(session, principal.person())
        if user is None:
            raise Unauthenticated("The account is gone.", code="invalid_token")
        return user.username, user.email

    async def emails(self, session: AsyncSession, user_ids: Collection[UUID]) -> dict[UUID, str]:
        """The addresses of members of the session's tenants."""
        return await repository.emails(session, list(user_ids))
