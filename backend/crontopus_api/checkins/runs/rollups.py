"""Daily counts of runs, so that reports over months read a row per day and not a million runs.

Today and yesterday are counted again every few minutes; an older day when a late report touched it. Counting a day
again gives the same whatever was counted before, so it does not matter who does it how often.
"""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from crontopus_api.checkins.fold import REMEMBERED
from crontopus_api.checkins.runs import rollups_repository as repository
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.tenants.service import TenantService

USUAL_SPAN = timedelta(days=14)
# The engine asks for ten runs before it calls one unusual.
_ENOUGH_RUNS = 20
_USUAL_EVERY = timedelta(hours=1)
# A check-in that was being written when we last looked.
_OVERLAP = timedelta(minutes=5)
_SCANNER = Scope(role="crontopus_scanner")


class RollupService:
    def __init__(self, database: Database, tenants: TenantService, clock: Clock) -> None:
        self._database = database
        self._tenants = tenants
        self._clock = clock

    async def round(self) -> int:
        """Count what may have changed. Answers 0: the next round is minutes away."""
        now = self._clock.now()
        async with self._database.session(_SCANNER) as session:
            tenants = list(await self._tenants.plans(session))
            counted = await repository.mark(session, "days")
        for tenant_id, day in await self._days(tenants, counted, now):
            async with self._database.session(_SCANNER) as session:
                await repository.recount(session, tenant_id, day, _midnight(day), _midnight(_after(day)))
        async with self._database.session(_SCANNER) as session:
            await repository.set_mark(session, "days", now)
        await self._refresh_usual(tenants, now)
        return 0

    async def _days(
        self, tenants: list[UUID], counted: datetime | None, now: datetime
    ) -> list[tuple[UUID, date]]:
        """Since the last count, and a day before: a missed slot is written when its grace is over."""
        since = (counted or now - REMEMBERED) - _OVERLAP
        first = min(since.astimezone(UTC).date(), now.astimezone(UTC).date() - timedelta(days=1))
        recent = (now.astimezone(UTC).date() - first).days + 1
        wanted = {(tenant, first + timedelta(days=each)) for tenant in tenants for each in range(recent)}
        async with self._database.session(_SCANNER) as session:
            wanted |= set(await repository.touched(session, since, _midnight(first)))
        return sorted(wanted)

    async def _refresh_usual(self, tenants: list[UUID], now: datetime) -> None:
        async with self._database.session(_SCANNER) as session:
            last = await repository.mark(session, "usual")
            if last is not None and now - last < _USUAL_EVERY:
                return
            await repository.set_mark(session, "usual", now)
        for tenant_id in tenants:
            async with self._database.session(_SCANNER) as session:
                await repository.refresh_usual(session, tenant_id, now - USUAL_SPAN, _ENOUGH_RUNS)


def _after(day: date) -> date:
    return day + timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
