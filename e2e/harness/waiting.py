"""The one way in which these tests wait: for a condition, bounded, polling."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL_SECONDS = 0.05


class Never(AssertionError):
    """The condition did not come true in time."""


def eventually(probe: Callable[[], T | None], what: str, *, within: float) -> T:
    """The first truthy answer of `probe`. An assertion that fails inside it counts as "not yet"."""
    deadline = time.monotonic() + within
    last: object = None
    while True:
        try:
            answer = probe()
            if answer:
                return answer
            last = answer
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise Never(f"not within {within:g} s: {what} (last seen: {last!r:.500})")
        time.sleep(INTERVAL_SECONDS)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began
