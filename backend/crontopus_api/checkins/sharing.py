"""Counts of check-ins that several processes add up in Valkey/Redis.

Imported where there is one: its client is 6 MB of every process else.
"""

import hashlib
from collections.abc import Mapping

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from crontopus_api.kit.limits import redis_scheme

log = structlog.get_logger()

_KEPT_SECONDS = 120  # longer than the minute they are of


class SharedCounts:
    """`url`: redis://, rediss:// or valkey://. Close with `aclose`."""

    def __init__(self, url: str) -> None:
        self._redis = redis.asyncio.Redis.from_url(
            redis_scheme(url), socket_timeout=1, socket_connect_timeout=1
        )

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def add(self, more: Mapping[str, int], ends: float) -> dict[str, int] | None:
        """What all processes together have counted for these keys in the minute that ends then, with `more`.

        None when Redis is away, which is logged.
        """
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for key, count in more.items():
                    name = _shared_name(key, ends)
                    pipe.incrby(name, count)
                    pipe.expire(name, _KEPT_SECONDS)
                totals = (await pipe.execute())[::2]
        except (RedisError, OSError) as error:
            log.warning("check_in_counts_not_shared", error=str(error))
            return None
        return dict(zip(more, totals, strict=True))


def _shared_name(key: str, ends: float) -> str:
    # A ping key lets whoever has it report: Redis need not know it.
    digest = hashlib.blake2b(key.encode(), digest_size=12).hexdigest()
    return f"crontopus:check-ins:{int(ends)}:{digest}"
