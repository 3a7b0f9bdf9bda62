"""Rate limits, shared between processes through Valkey/Redis when there is one.

`limits` in its async form, with the redis-py client: see ADR 0005. When Redis is away, each process counts
for itself, so that a limit that protects a password is never simply gone.
"""

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from crontopus_api.kit.errors import TooManyRequests

log = structlog.get_logger()


class RateLimits:
    """`redis_url`: redis://, rediss:// or valkey://; None counts in memory."""

    def __init__(self, redis_url: str | None = None) -> None:
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared = MovingWindowRateLimiter(_redis(redis_url)) if redis_url else None

    async def take(self, limit: str, *who: str) -> None:
        """Count one more for `who` under `limit` ("5/minute"). Raises TooManyRequests when it is used up."""
        item = parse(limit)
        if not await self._hit(item, who):
            seconds = item.get_expiry()
            raise TooManyRequests(
                f"Too many attempts: at most {item.amount} in {seconds} seconds.",
                hint="Wait a little, then try again.",
                retry_after_seconds=seconds,
            )

    async def ready(self) -> bool:
        """Whether the shared counters answer; True when there are none."""
        return self._shared is None or await self._shared.storage.check()

    async def _hit(self, item: RateLimitItem, who: tuple[str, ...]) -> bool:
        if self._shared is not None:
            try:
                return await self._shared.hit(item, *who)
            except (StorageError, OSError) as error:
                log.warning("rate_limits_not_shared", error=str(error))
        return await self._own.hit(item, *who)


def _redis(url: str) -> Storage:
    scheme, _, rest = url.partition("://")
    scheme = {"valkey": "redis", "valkeys": "rediss"}.get(scheme, scheme)
    return RedisStorage(
        f"async+{scheme}://{rest}",
        implementation="redispy",
        key_prefix="crontopus",
        wrap_exceptions=True,
        socket_timeout=1,
        socket_connect_timeout=1,
    )
