"""One LISTEN connection per process, fanned out to the streams of that process."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator
from uuid import UUID

import psycopg
import structlog

from crontopus_api.kit.database import Database
from crontopus_api.live.topics import ALL, CHANNEL, Topic, decode

log = structlog.get_logger()

_RECONNECT_SECONDS = (0.5, 1, 2, 5, 10)


class Subscription:
    """What changed for one tenant since it was last asked; hints of the same topic merge."""

    def __init__(self) -> None:
        self._topics: set[Topic] = set()
        self._changed = asyncio.Event()

    def add(self, topics: frozenset[Topic]) -> None:
        self._topics |= topics
        self._changed.set()

    async def wait(self, seconds: float) -> frozenset[Topic]:
        """The topics that changed, or none when `seconds` passed without a change."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)
        topics = frozenset(self._topics)
        self._topics.clear()
        self._changed.clear()
        return topics


class Hub:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._subscriptions: dict[UUID, set[Subscription]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._listen(), name="live hub")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def subscribe(self, tenant_id: UUID) -> AsyncIterator[Subscription]:
        subscription = Subscription()
        self._subscriptions[tenant_id].add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions[tenant_id].discard(subscription)
            if not self._subscriptions[tenant_id]:
                del self._subscriptions[tenant_id]

    async def _listen(self) -> None:
        failures = 0
        while True:
            try:
                async with await self._database.connect_direct(autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    failures = 0
                    # Whatever was said while nobody listened is lost: everybody looks once.
                    self._tell(None, ALL)
                    async for notification in connection.notifies():
                        self._tell(*decode(notification.payload))
            except (psycopg.Error, OSError) as error:
                log.warning("live_listener_lost", error=str(error))
                await asyncio.sleep(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])
                failures += 1

    def _tell(self, tenants: set[UUID] | None, topics: frozenset[Topic]) -> None:
        for tenant_id in (
            list(self._subscriptions) if tenants is None else tenants & self._subscriptions.keys()
        ):
            for subscription in self._subscriptions[tenant_id]:
                subscription.add(topics)
