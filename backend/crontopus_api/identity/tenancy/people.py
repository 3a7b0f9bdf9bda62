"""The people behind members, as the session's scope sees them."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity.models import User
from crontopus_api.tenants.models import Membership


class Known(NamedTuple):
    username: str
    email: str


async def known(session: AsyncSession, user_ids: Sequence[UUID]) -> dict[UUID, Known]:
    rows = await session.execute(select(User.id, User.username, User.email).where(User.id.in_(user_ids)))
    return {row.id: Known(row.username, row.email) for row in rows}


async def is_member(session: AsyncSession, tenant_id: UUID, email: str) -> bool:
    """Whether somebody with that address belongs to the tenant."""
    found = await session.scalar(
        select(User.id)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.tenant_id == tenant_id, func.lower(User.email) == email.lower())
    )
    return found is not None
