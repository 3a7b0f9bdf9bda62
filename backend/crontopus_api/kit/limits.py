"""Rate limits, shared between processes through Valkey/Redis when there is one.

`limits` in its async form, with the redis-py client: see ADR 0005. When Redis is away, each process counts
for itself, so that a limit that protects a password is never simply gone. Counting for oneself is done here: what
`limits` has for it goes through all keys in threads again and again, and keeps as many as somebody makes up.
"""

import math
import time
from collections import OrderedDict, deque
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from crontopus_api.kit.errors import TooManyRequests

log = structlog.get_logger()

OFF: Final = "off"
RATE_LIMIT_HEADERS: Final = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy")
# Redis was away a moment ago: asking it again for every request would make each wait for its timeout.
_AWAY_SECONDS = 2.0
_MOST_KEPT = 50_000

parse_limit = lru_cache(64)(parse)


@dataclass(frozen=True)
class LimitPolicies:
    """How much is let through, each as "600/minute", or "off"."""

    api: str = "600/minute"
    login: str = "5/minute"
    auth: str = "60/minute"
    enroll: str = "600/minute"
    git: str = "600/minute"


@dataclass(frozen=True)
class Standing:
    """Where somebody stands under a limit: of `limit` requests in `window_seconds` they have `remaining`, and one
    more in `reset_seconds`."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    window_seconds: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """As in draft-ietf-httpapi-ratelimit-headers up to its 6th version, which is what clients know."""
        return [
            (b"ratelimit-limit", b"%d" % self.limit),
            (b"ratelimit-remaining", b"%d" % self.remaining),
            (b"ratelimit-reset", b"%d" % self.reset_seconds),
            (b"ratelimit-policy", b"%d;w=%d" % (self.limit, self.window_seconds)),
        ]


# Where the edge collects what limits the request counted for, to put the tightest on its answer.
_standings: ContextVar[list[Standing] | None] = ContextVar("standings", default=None)


def collect_standings() -> list[Standing]:
    """From here on this task's limits are noted in the list that is returned."""
    collected: list[Standing] = []
    _standings.set(collected)
    return collected


def tightest(standings: list[Standing]) -> Standing:
    return min(standings, key=lambda each: (each.allowed, each.remaining / each.limit))


class RateLimits:
    """`redis_url`: redis://, rediss:// or valkey://; None counts in memory."""

    def __init__(self, redis_url: str | None = None, policies: LimitPolicies | None = None) -> None:
        self.policies = policies or LimitPolicies()
        self._own = _OwnWindows()
        self._shared = MovingWindowRateLimiter(_redis(redis_url)) if redis_url else None
        self._away_until = 0.0

    async def take(self, limit: str, *who: str) -> None:
        """Count one more for `who` under `limit` ("5/minute"). Raises TooManyRequests when it is used up."""
        if limit == OFF:
            return
        standing = await self._stand(parse_limit(limit), who)
        if (collected := _standings.get()) is not None:
            collected.append(standing)
        if not standing.allowed:
            raise TooManyRequests(
                f"Too many attempts: at most {standing.limit} in {standing.window_seconds} seconds.",
                hint="Wait a little, then try again.",
                retry_after_seconds=standing.reset_seconds,
            )

    async def ready(self) -> bool:
        """Whether the shared counters answer; True when there are none."""
        return self._shared is None or await self._shared.storage.check()

    async def _stand(self, item: RateLimitItem, who: tuple[str, ...]) -> Standing:
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                return await _shared_standing(self._shared, item, who)
            except (StorageError, OSError) as error:
                self._away_until = time.monotonic() + _AWAY_SECONDS
                log.warning("rate_limits_not_shared", error=str(error))
        return self._own.take(item, item.key_for(*who))


async def _shared_standing(
    shared: MovingWindowRateLimiter, item: RateLimitItem, who: tuple[str, ...]
) -> Standing:
    allowed = await shared.hit(item, *who)
    stats = await shared.get_window_stats(item, *who)
    return _standing(item, allowed, stats.remaining, stats.reset_time - time.time())


def _standing(item: RateLimitItem, allowed: bool, remaining: int, reset_seconds: float) -> Standing:
    seconds = item.get_expiry()
    reset = min(max(1, math.ceil(reset_seconds)), seconds)
    return Standing(allowed, item.amount, max(0, remaining) if allowed else 0, reset, seconds)


class _OwnWindows:
    """Moving windows of this process: when each was let through, for the keys heard of last."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, item: RateLimitItem, key: str) -> Standing:
        now, seconds = time.monotonic(), item.get_expiry()
        times = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        if len(self._times) > _MOST_KEPT:
            self._times.popitem(last=False)
        while times and times[0] <= now - seconds:
            times.popleft()
        allowed = len(times) < item.amount
        if allowed:
            times.append(now)
        return _standing(item, allowed, item.amount - len(times), times[0] + seconds - now)


def _redis(url: str) -> Storage:
    return RedisStorage(
        f"async+{redis_scheme(url)}",
        implementation="redispy",
        key_prefix="crontopus",
        wrap_exceptions=True,
        socket_timeout=1,
        socket_connect_timeout=1,
    )


def redis_scheme(url: str) -> str:
    """The address as redis-py spells it: it knows no valkey://."""
    scheme, _, rest = url.partition("://")
    known = {"valkey": "redis", "valkeys": "rediss"}
    return f"{known.get(scheme, scheme)}://{rest}"
