"""How much of its plan a tenant uses. Rooms that own what is counted bring a meter each (`composition`)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.gitstore.errors import GitUnavailable, RepositoryMissing
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.tenants import invitations_repository, repository
from crontopus_api.tenants.service import TenantService

Unit = Literal["count", "bytes", "days", "per_minute"]
Meter = Callable[[AsyncSession, UUID], Awaitable[int]]
RepositorySize = Callable[[str], Awaitable[int]]
"""In bytes, by slug."""

LIMITS: Final[dict[str, Unit]] = {
    "jobs": "count",
    "endpoints": "count",
    "members": "count",
    "channels": "count",
    "check_ins_per_minute": "per_minute",
    "repository_bytes": "bytes",
    "run_days": "days",
    "failure_days": "days",
}


@dataclass(frozen=True)
class Item:
    """`used` None: it is not a thing that is counted, or nobody can say now."""

    name: str
    used: int | None
    limit: int
    unit: Unit


@dataclass(frozen=True)
class Usage:
    plan: str
    items: list[Item]


class UsageService:
    """`repository_size` None: whoever hosts the repositories keeps count of them."""

    def __init__(
        self,
        database: Database,
        tenants: TenantService,
        clock: Clock,
        repository_size: RepositorySize | None = None,
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._clock = clock
        self._repository_size = repository_size
        self._meters: dict[str, Meter] = {"members": self._members}

    def measure(self, name: str, meter: Meter) -> None:
        """Have what the plan calls `name` counted by `meter`."""
        self._meters[name] = meter

    async def of(self, tenant_id: UUID, slug: str) -> Usage:
        async with self._database.tenant(tenant_id) as session:
            plan = await self._tenants.plan(session, tenant_id)
            used: dict[str, int | None] = {
                name: await meter(session, tenant_id) for name, meter in self._meters.items()
            }
        # Outside the transaction: this one asks a disk.
        used["repository_bytes"] = await self._size(slug)
        items = [Item(name, used.get(name), getattr(plan, name), unit) for name, unit in LIMITS.items()]
        return Usage(plan.name, items)

    async def _members(self, session: AsyncSession, tenant_id: UUID) -> int:
        """Open invitations as well: each is a place kept free."""
        invited = await invitations_repository.count_open(session, tenant_id, self._clock.now())
        return await repository.count_members(session, tenant_id) + invited

    async def _size(self, slug: str) -> int | None:
        if self._repository_size is None:
            return None
        try:
            return await self._repository_size(slug)
        except RepositoryMissing:
            return 0  # it is made at first use
        except GitUnavailable:
            return None
