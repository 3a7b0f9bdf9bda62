"""People as the rest of the product needs to know them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import repository


class PeopleService:
    async def emails(self, session: AsyncSession, user_ids: Sequence[UUID]) -> list[str]:
        """The addresses of members of the session's tenant."""
        return await repository.emails(session, list(user_ids))
