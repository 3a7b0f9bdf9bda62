"""How many check-ins a key or an endpoint may send a minute: what the tenant's plan says.

A check-in waits for nobody here: it is counted in this process, within a fraction of a microsecond. What several
processes counted, and whose plan allows how much, is found out in the background, and only for the keys that send
much. Whatever cannot be found out lets check-ins through: a run nobody heard of is worse than one too many.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from crontopus_api.kit.errors import TooManyRequests

if TYPE_CHECKING:
    from crontopus_api.checkins.sharing import SharedCounts

DEFAULT_PER_MINUTE = 600
_WINDOW_SECONDS = 60
_EXCHANGE_SECONDS = 1.0
_LEARN_EVERY = 10
# A key that has sent less in this minute is nobody's concern but this process's.
_BUSY = 30
_MOST_KEPT = 200_000

# Which of these keys may send how much a minute, as far as it is known.
FindLimits = Callable[[list[str]], Awaitable[Mapping[str, int]]]


class CheckInMeter:
    """`redis_url`: where several processes add up. `find_limits`: asks for the plans behind keys that send much; until
    it has answered, and without it, `per_minute` holds. 0: everything is let through."""

    def __init__(
        self,
        redis_url: str | None = None,
        find_limits: FindLimits | None = None,
        per_minute: int = DEFAULT_PER_MINUTE,
    ) -> None:
        self._per_minute = per_minute or sys.maxsize
        self._find_limits = find_limits
        self._shared = _shared(redis_url) if redis_url else None
        self._limits: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._elsewhere: dict[str, int] = {}
        self._ends = 0.0
        self._task: asyncio.Task[None] | None = None

    def count(self, key: str, cost: int = 1) -> None:
        """Raises TooManyRequests when the key has sent what it may in this minute. What is let through may be a
        batch that goes beyond it: a batch that never fits could never be sent."""
        now = time.time()
        if now >= self._ends:
            self._turn(now)
        counts = self._counts
        sent = counts.get(key, 0)
        if sent >= self._per_minute or key in self._elsewhere or key in self._limits:
            self._check(key, sent, now)
        counts[key] = sent + cost

    def _check(self, key: str, sent: int, now: float) -> None:
        limit = self._limits.get(key, self._per_minute)
        if sent + self._elsewhere.get(key, 0) < limit:
            return
        seconds = max(1, round(self._ends - now))
        raise TooManyRequests(
            f"Too many check-ins: the plan allows {limit} a minute.",
            code="check_in_limit",
            hint=f"Send it again in {seconds} seconds, or use a larger plan.",
            retry_after_seconds=seconds,
        )

    def _turn(self, now: float) -> None:
        """A new minute: all count anew."""
        self._ends = (now // _WINDOW_SECONDS + 1) * _WINDOW_SECONDS
        self._counts = {}
        self._told = {}
        self._elsewhere = {}
        if len(self._limits) > _MOST_KEPT:
            self._limits = {}

    def start(self) -> None:
        if self._shared is not None or self._find_limits is not None:
            self._task = asyncio.create_task(self._keep_in_touch())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._shared is not None:
            await self._shared.aclose()

    async def _keep_in_touch(self) -> None:
        rounds = 0
        while True:
            await asyncio.sleep(_EXCHANGE_SECONDS)
            if len(self._counts) > _MOST_KEPT:
                self._counts = {}  # made-up keys: memory is worth more than their count
            await self.exchange()
            rounds += 1
            if rounds % _LEARN_EVERY == 0:
                await self.learn()

    def _busy(self) -> dict[str, int]:
        return {key: sent for key, sent in self._counts.items() if sent >= _BUSY}

    async def exchange(self) -> None:
        """Tell the other processes what was counted here, and hear what was counted there."""
        if self._shared is None:
            return
        counts, told, ends = self._counts, self._told, self._ends
        news = self._busy()
        if not news:
            return
        totals = await self._shared.add({key: sent - told.get(key, 0) for key, sent in news.items()}, ends)
        if totals is not None and counts is self._counts:  # else the minute has turned meanwhile
            told.update(news)
            self._elsewhere.update(
                {key: total - news[key] for key, total in totals.items() if total > news[key]}
            )

    async def learn(self) -> None:
        """Ask what the plans of busy keys allow."""
        busy = self._busy()
        if self._find_limits is None or not busy:
            return
        with contextlib.suppress(SQLAlchemyError, OSError):  # asked again in a few seconds
            self._limits.update(await self._find_limits(list(busy)))


def _shared(redis_url: str) -> "SharedCounts":
    from crontopus_api.checkins.sharing import SharedCounts  # noqa: PLC0415 - large; most processes have no Redis

    return SharedCounts(redis_url)
