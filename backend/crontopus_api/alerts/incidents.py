"""From what happens to incidents: what is wrong, since when, and who is told."""

import asyncio
from collections.abc import Awaitable, Coroutine, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from crontopus_api.alerts import claims, looking
from crontopus_api.alerts.keeping import WELL_FOR, Keeping
from crontopus_api.alerts.sources import definitions, warnings
from crontopus_api.alerts.sources.endpoints import Endpoints
from crontopus_api.alerts.sources.statuses import Statuses
from crontopus_api.alerts.telling import Teller
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope, enter

log = structlog.get_logger()

_SCANNER = Scope(role="crontopus_scanner")
_LEFT_ALONE = timedelta(minutes=1)
# So many tenants share a transaction and its statements.
_TOGETHER = 50
# While PostgreSQL works for some tenants, this process works for the next.
_AT_ONCE = 4


class IncidentKeeper:
    def __init__(
        self,
        database: Database,
        jobs: JobService,
        endpoints: EndpointService,
        teller: Teller,
        clock: Clock,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._endpoints = endpoints
        self._clock = clock
        self._keeping = Keeping(jobs, teller)
        self._statuses = Statuses(jobs, endpoints)
        self._machines = Endpoints(jobs, endpoints)
        self._left_alone: dict[UUID, datetime] = {}
        # Apart: what cannot be looked at must not keep away what happens.
        self._not_looked_at: dict[UUID, datetime] = {}

    async def handle_changes(self) -> int:
        """Act on what has happened, for some tenants at a time; how much there was.

        A tenant whose changes cannot be handled is left alone for a while, so that the others' are.
        """
        now = self._clock.now()
        self._left_alone = _still(self._left_alone, now)
        async with self._database.session(_SCANNER) as session:
            waiting = await claims.waiting(session, now, self._left_alone)
        some = [waiting[first : first + _TOGETHER] for first in range(0, len(waiting), _TOGETHER)]
        return sum(await self._finish(self._handle(each, now) for each in some))

    async def look_around(self) -> int:
        """Act on what no event tells: the state of repositories, warnings of jobs, what time brings about. Answers 0:
        the next look has time."""
        now = self._clock.now()
        async with self._database.session(_SCANNER) as session:
            tenants = await looking.tenants(session, now - WELL_FOR)
        self._not_looked_at = _still(self._not_looked_at, now)
        await self._finish(self._look(each, now) for each in tenants - self._not_looked_at.keys())
        return 0

    @staticmethod
    async def _finish(work: Iterable[Coroutine[Any, Any, int]]) -> list[int]:
        """Raises the first of what went wrong when everybody has had their turn."""
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(each: Awaitable[int]) -> int:
            async with turn:
                return await each

        results = await asyncio.gather(*map(one, work), return_exceptions=True)
        for each in results:
            if isinstance(each, BaseException):
                raise each
        return [each for each in results if isinstance(each, int)]

    async def _handle(self, tenants: Sequence[UUID], now: datetime) -> int:
        try:
            return await self._handle_together(tenants, now)
        except Exception:
            if len(tenants) == 1:
                self._left_alone[tenants[0]] = now + _LEFT_ALONE
                log.warning("incidents_left_alone", tenant_id=str(tenants[0]))
                raise
        # Whoever it was, it must not keep the others waiting.
        return sum(await self._finish(self._handle([each], now) for each in tenants))

    async def _handle_together(self, tenants: Sequence[UUID], now: datetime) -> int:
        async with self._database.session(_SCANNER) as session:
            free = await claims.alone(session, tenants)
            if not free:
                return 0
            changes = await claims.claim(session, free, now)
            # After the changes: a miss that was let go as its endpoint is offline finds that event.
            happened = await claims.claim_endpoints(session, free, now)
            # Claimed across tenants, handled within these: row-level security sees to it.
            await enter(session, Scope.together(free))
            placed = {change.endpoint for change in changes if change.endpoint is not None}
            concerned = placed | set(happened)
            endpoints = await self._endpoints.known(session, concerned) if concerned else {}
            findings = await self._machines.findings(session, endpoints, now)
            findings += await self._statuses.findings(session, changes, endpoints, now)
            await self._keeping.act(session, findings, now)
        return len(changes) + len(happened)

    async def _look(self, tenant_id: UUID, now: datetime) -> int:
        try:
            async with self._database.tenant(tenant_id) as session:
                if await claims.alone(session, [tenant_id]):
                    findings = await definitions.findings(session, tenant_id, now)
                    findings += await warnings.findings(session, self._jobs, tenant_id, now)
                    await self._keeping.act(session, findings, now)
                    await self._keeping.look_again(session, tenant_id, now)
        except Exception:
            self._not_looked_at[tenant_id] = now + _LEFT_ALONE
            log.warning("incidents_not_looked_at", tenant_id=str(tenant_id))
            raise
        return 0


def _still(left_alone: Mapping[UUID, datetime], now: datetime) -> dict[UUID, datetime]:
    return {tenant_id: until for tenant_id, until in left_alone.items() if until > now}
