"""Notices endpoints that fell silent, and forgets what is old."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints import events, repository
from crontopus_api.endpoints.service import OFFLINE_AFTER
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.live.topics import announce

_SCANNER = Scope(role="crontopus_scanner")
_BATCH = 5000

ReachableSince = Callable[[AsyncSession, datetime], Awaitable[datetime | None]]


class EndpointWatch:
    """`reachable_since` answers since when this installation could be reported to; None: it cannot be now."""

    def __init__(self, database: Database, clock: Clock, reachable_since: ReachableSince) -> None:
        self._database = database
        self._clock = clock
        self._reachable_since = reachable_since

    async def round(self) -> int:
        """Declare offline who has been silent for three heartbeats. Nobody is while we were away ourselves."""
        now = self._clock.now()
        before = now - OFFLINE_AFTER
        async with self._database.session(_SCANNER) as session:
            since = await self._reachable_since(session, now)
            if since is None or since > before:
                return 0
            tenants = await repository.tenants_with_silent(session, before)
        for tenant_id in tenants:
            await self._declare(tenant_id, before, now)
        return 0

    async def _declare(self, tenant_id: UUID, before: datetime, now: datetime) -> None:
        async with self._database.tenant(tenant_id) as session:
            silent = await repository.declare_offline(session, tenant_id, before, now)
            told = [
                events.event(each, "offline", now, "NoHeartbeat", f"Last heard of at {each.last_seen_at}.")
                for each in silent
            ]
            await repository.add_events(session, told)
            if told:
                await announce(session, tenant_id, "endpoints", "jobs")

    async def remove_old(self) -> int:
        """Batch after batch. Answers 0: the next round may be an hour away."""
        before = self._clock.now() - timedelta(days=events.KEPT_DAYS)
        while True:
            async with self._database.session(_SCANNER) as session:
                if await repository.remove_old_events(session, before, _BATCH) < _BATCH:
                    return 0
