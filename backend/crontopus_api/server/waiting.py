"""Waiting for a condition of another process, bounded, in one place."""

import time
from collections.abc import Callable

INTERVAL_SECONDS = 0.03


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float) -> bool:
    """Polls until the condition holds; False when it does not within the timeout."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(INTERVAL_SECONDS)
    return True
