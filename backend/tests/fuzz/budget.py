"""How long the fuzz tests run, with which seed, and how the work of one call is counted."""

import os
import random
import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from hypothesis import HealthCheck, seed, settings

F = TypeVar("F", bound=Callable[..., object])

MULTIPLIER = int(os.environ.get("CRONTOPUS_SOAK", "1"))
SEED = int(os.environ.get("CRONTOPUS_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)


def fuzz(examples: int) -> Callable[[F], F]:
    """Run that many examples, times CRONTOPUS_SOAK. The seed is printed with every failure, and by `-s`."""

    def decorate(test: F) -> F:
        configured = settings(
            max_examples=examples * MULTIPLIER,
            deadline=None,
            print_blob=True,
            suppress_health_check=[
                HealthCheck.function_scoped_fixture,
                HealthCheck.too_slow,
                HealthCheck.data_too_large,
            ],
        )
        return seed(SEED)(configured(test))

    return decorate


def work_of(call: Callable[[], object]) -> int:
    """How many functions it called: the same on every machine, unlike the time it takes."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        call()
    finally:
        sys.setprofile(None)
    return calls


def memory_of(call: Callable[[], object]) -> int:
    """The most memory it held at once, in bytes."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
