"""Who acts, as the audit log names them."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import repository
from crontopus_api.identity.principal import Principal
from crontopus_api.kit.audit import SYSTEM, Actor
from crontopus_api.kit.errors import Forbidden


async def actor_of(session: AsyncSession, principal: Principal) -> Actor:
    """In the principal's own scope: it sees who they are."""
    if principal.kind == "system":
        return SYSTEM
    if principal.user_id is None:
        return Actor("endpoint", principal.endpoint_id, "endpoint", principal.token_id)
    user = await repository.get_user(session, principal.user_id)
    return Actor("user", principal.user_id, user.username if user else "", principal.token_id)


def person(principal: Principal) -> UUID:
    """Whose request it is. Raises Forbidden for machines."""
    if principal.user_id is None:
        raise Forbidden("This is for people, not for endpoints.", code="not_a_user")
    return principal.user_id
