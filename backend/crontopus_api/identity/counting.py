"""Limits that are kept without telling the caller."""

from crontopus_api.kit.errors import TooManyRequests
from crontopus_api.kit.limits import RateLimits


async def within(limits: RateLimits, limit: str, *who: str) -> bool:
    """Count one more for `who`; whether the limit still holds."""
    try:
        await limits.take(limit, *who)
    except TooManyRequests:
        return False
    return True
