"""Limits that are kept without telling the caller."""

import asyncio
from contextvars import Context

from crontopus_api.kit.errors import TooManyRequests
from crontopus_api.kit.limits import RateLimits


async def within(limits: RateLimits, limit: str, *who: str) -> bool:
    """Count one more for `who`; whether the limit still holds.

    In an empty context: what is counted here is none of the limits that the answer's headers tell of.
    """
    taking = asyncio.get_running_loop().create_task(limits.take(limit, *who), context=Context())
    try:
        await taking
    except TooManyRequests:
        return False
    return True
