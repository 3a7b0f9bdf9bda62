"""Loops that do a little, again and again, and survive whatever goes wrong in one round."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from crontopus_api.kit.metrics import LOOP_ERRORS

log = structlog.get_logger()


async def repeat(
    name: str,
    every_seconds: float,
    work: Callable[[], Awaitable[int]],
    *,
    enough: int = 1,
    woken: asyncio.Event | None = None,
) -> None:
    """Run `work` until cancelled: at once again while it finds `enough`, else after `every_seconds`, or when `woken`
    is set before."""
    woken = woken or asyncio.Event()
    while True:
        woken.clear()
        try:
            found = await work()
        except Exception:
            # Another round must follow whatever this one met; what it met is logged and counted.
            log.exception("worker_round_failed", loop=name)
            LOOP_ERRORS.labels(name).inc()
            found = 0
        if found < enough:
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), every_seconds)
