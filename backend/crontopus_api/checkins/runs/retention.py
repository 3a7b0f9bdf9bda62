"""What is kept how long: runs as long as the tenant's plan says, message ids as long as they may come again."""

from datetime import datetime, timedelta
from uuid import UUID

import structlog

from crontopus_api.checkins.fold import REMEMBERED
from crontopus_api.checkins.runs import retention_repository as repository
from crontopus_api.checkins.runs.partitions import PartitionKeeper
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.tenants.plans import Plan
from crontopus_api.tenants.service import TenantService

log = structlog.get_logger()

# Days are small: a year can be compared with the year before, whatever the plan.
ROLLUPS_KEPT = timedelta(days=2 * 366)
_SCANNER = Scope(role="crontopus_scanner")


class RetentionService:
    def __init__(
        self, database: Database, tenants: TenantService, partitions: PartitionKeeper, clock: Clock
    ) -> None:
        self._database = database
        self._tenants = tenants
        self._partitions = partitions
        self._clock = clock

    async def round(self) -> int:
        """Remove what is too old. Answers 0: the next round may be an hour away."""
        now = self._clock.now()
        async with self._database.session(_SCANNER) as session:
            plans = await self._tenants.plans(session)
        # First what goes whole, so that nothing is deleted row by row that need not be.
        await self._partitions.drop_before(now - _longest(plans))
        removed = 0
        for tenant_id, plan in plans.items():
            removed += await self._remove_of(tenant_id, plan, now)
        async with self._database.session(_SCANNER) as session:
            await repository.delete_rollups(session, (now - ROLLUPS_KEPT).date())
        keys = await self._repeat(repository.delete_keys, now - REMEMBERED)
        if removed or keys:
            log.info("old_rows_removed", runs=removed, keys=keys)
        return 0

    async def _remove_of(self, tenant_id: UUID, plan: Plan, now: datetime) -> int:
        ordinary, wrong = now - timedelta(days=plan.run_days), now - timedelta(days=plan.failure_days)
        removed = await self._repeat(repository.delete_runs, tenant_id, ordinary, wrong)
        # How an instance did is told for as long as what went wrong with it is.
        await self._repeat(repository.delete_changes, tenant_id, wrong)
        return removed

    async def _repeat(self, delete: repository.Delete, *arguments: UUID | datetime) -> int:
        """Batch after batch, each a transaction of its own: nobody waits long for their locks."""
        removed = 0
        while True:
            async with self._database.session(_SCANNER) as session:
                count = await delete(session, *arguments)
            removed += count
            if count < repository.BATCH:
                return removed


def _longest(plans: dict[UUID, Plan]) -> timedelta:
    """What any tenant keeps, and never less than the age of a report that is still taken."""
    days = max((max(plan.run_days, plan.failure_days) for plan in plans.values()), default=0)
    return max(timedelta(days=days), REMEMBERED)
