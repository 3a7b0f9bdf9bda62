"""The check-ins that wait to be written, in the order they came."""

import asyncio
import time
from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from crontopus_api.checkins.cache import StatusCache, quick
from crontopus_api.checkins.records import Answer, CheckIn
from crontopus_api.kit.errors import Unavailable

# Beyond this many waiting check-ins, or bytes of them, the database is not keeping up: better to say so than to grow.
MOST_WAITING = 20_000
MOST_WAITING_BYTES = 32 << 20
# So many are looked at in vain for one whose instance is not being written just now.
_MOST_PASSED_OVER = 500


@dataclass(slots=True)
class Waiting:
    """A check-in and who waits for its answer. `names`: what its instance is known by, while it is being written."""

    check_in: CheckIn
    answer: "asyncio.Future[Answer]"
    since: float = field(default_factory=time.monotonic)
    names: tuple[Hashable, ...] = ()

    @property
    def size(self) -> int:
        return len(self.check_in.output.content) if self.check_in.output else 0

    def settle(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def refuse(self) -> None:
        if not self.answer.done():
            self.answer.set_exception(
                Unavailable("The check-in could not be stored. Send it again.", retry_after_seconds=5)
            )


class Line:
    """Groups are taken from its front. What is said of an instance waits while a group holds something said of it
    before: several groups may be on their way at once, and still each instance's check-ins are written in order."""

    def __init__(self, cache: StatusCache) -> None:
        self._cache = cache
        self._queue: deque[Waiting] = deque()
        self._bytes = 0
        self._busy: set[Hashable] = set()
        self.on_their_way = 0

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, check_in: CheckIn) -> "asyncio.Future[Answer]":
        waiting = Waiting(check_in, asyncio.get_running_loop().create_future())
        if len(self._queue) >= MOST_WAITING or self._bytes + waiting.size > MOST_WAITING_BYTES:
            _too_many()
        self._queue.append(waiting)
        self._bytes += waiting.size
        return waiting.answer

    def take(self, most: int) -> list[Waiting]:
        """Those that may be written now, at most so many; `landed` must be said of them."""
        group: list[Waiting] = []
        passed_over: list[Waiting] = []
        while self._queue and len(group) < most and len(passed_over) < _MOST_PASSED_OVER:
            each = self._queue.popleft()
            each.names = self._names(each)
            if self._busy and not self._busy.isdisjoint(each.names):
                passed_over.append(each)
            else:
                group.append(each)
                self._bytes -= each.size
        self._queue.extendleft(reversed(passed_over))
        for each in group:
            self._busy.update(each.names)
        self.on_their_way += len(group)
        return group

    def landed(self, group: Sequence[Waiting], again: Iterable[Waiting] = ()) -> None:
        """`again`: those of the group that are still to be written."""
        for each in group:
            self._busy.difference_update(each.names)
        self.on_their_way -= len(group)
        for each in reversed(list(again)):
            self._queue.appendleft(each)
            self._bytes += each.size

    def _names(self, waiting: Waiting) -> tuple[Hashable, ...]:
        """By its key's digest also where the instance is known: that may become known at any moment."""
        target = waiting.check_in.target
        key = self._cache.key_of(target)
        known = () if key is None else (quick(key),)
        return known if target.digest is None else (target.digest, *known)


def _too_many() -> NoReturn:
    raise Unavailable("Too many check-ins are waiting.", retry_after_seconds=2)
