"""From wall-clock matches to instants, with Debian cron's rules for clocks that jump.

cron(8): a job with `*` at the start of its minute or hour field follows real time. Any other job whose time
is skipped runs once, right after the jump, and one whose time is repeated runs only the first time. Jumps of
three hours and more (Pacific/Apia lost a whole day) are corrections: the new time is simply used.
cron.c compares after one more minute has passed, so exactly three hours forward is a correction and exactly
three hours back is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from crontopus_api.schedules.cron import WallClock
from crontopus_api.schedules.zones import Jump, last_jump, next_jump, offset_at

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
CORRECTION = timedelta(hours=3)
# How far back a search for the previous slot looks, when a jump is near: dense schedules stop at the first.
_LOOK_BACK = tuple(timedelta(days=days) for days in (0.25, 2, 8, 63, 800, 18_300))


@dataclass(frozen=True, slots=True)
class CronRule:
    """One cron expression in one zone."""

    clock: WallClock
    zone: ZoneInfo

    def next_after(self, instant: datetime) -> datetime | None:
        """The first slot later than `instant` (UTC); None when there is none within 50 years."""
        try:
            return self._search(instant)
        except OverflowError:  # the calendar ends in 9999
            return None

    def _search(self, instant: datetime) -> datetime | None:
        offset = offset_at(self.zone, instant)
        wall = self.clock.after(self._start(instant, offset))
        while wall is not None:
            candidate = to_utc(wall - offset)
            jump = next_jump(self.zone, instant, candidate)
            if jump is None:
                return candidate
            old_wall, new_wall = wall_at(jump.at, jump.before), wall_at(jump.at, jump.after)
            if not self.clock.wildcard and self._is_catch_up(jump) and wall < new_wall:
                return jump.at
            instant, offset = jump.at, jump.after
            start = old_wall if self._is_repeat(jump) else new_wall
            if start < old_wall or wall < start:
                wall = self.clock.after(start - _SECOND)
        return None

    def at_or_before(self, instant: datetime) -> datetime | None:
        """The last slot not later than `instant`; None when there is none within 50 years."""
        try:
            return self._search_back(instant)
        except OverflowError:
            return None

    def _search_back(self, instant: datetime) -> datetime | None:
        offset = offset_at(self.zone, instant)
        wall = self.clock.at_or_before(wall_at(instant, offset))
        if wall is None:
            return None
        candidate = to_utc(wall - offset)
        if last_jump(self.zone, instant, instant - candidate + timedelta(days=1)) is None:
            return candidate
        for back in _LOOK_BACK:
            found, slot = None, self.next_after(instant - back)
            while slot is not None and slot <= instant:
                found, slot = slot, self.next_after(slot)
            if found is not None:
                return found
        return None

    def _start(self, instant: datetime, offset: timedelta) -> datetime:
        """The wall time to search from: in a repeated stretch, the end of its first pass."""
        wall = wall_at(instant, offset)
        jump = last_jump(self.zone, instant, CORRECTION)
        if jump is not None and self._is_repeat(jump):
            return max(wall, wall_at(jump.at, jump.before) - _SECOND)
        return wall

    def _is_catch_up(self, jump: Jump) -> bool:
        return timedelta(0) < jump.width < CORRECTION

    def _is_repeat(self, jump: Jump) -> bool:
        return not self.clock.wildcard and timedelta(0) < -jump.width <= CORRECTION


@dataclass(frozen=True, slots=True)
class EveryRule:
    """`every N`: multiples of N since `anchor` (the Unix epoch, or a ping job's last accepted run)."""

    interval: timedelta
    anchor: datetime = EPOCH
    after_anchor_only: bool = False

    def next_after(self, instant: datetime) -> datetime | None:
        """The first slot later than `instant`."""
        count = (instant - self.anchor) // self.interval + 1
        if self.after_anchor_only:
            count = max(count, 1)
        try:
            return self.anchor + count * self.interval
        except OverflowError:
            return None

    def at_or_before(self, instant: datetime) -> datetime | None:
        """The last slot not later than `instant`; None before the first slot of an anchored rule."""
        count = (instant - self.anchor) // self.interval
        if self.after_anchor_only and count < 1:
            return None
        try:
            return self.anchor + count * self.interval
        except OverflowError:
            return None


def wall_at(instant: datetime, offset: timedelta) -> datetime:
    """What a wall clock that is `offset` ahead of UTC shows."""
    return (instant + offset).replace(tzinfo=None)


def to_utc(wall: datetime) -> datetime:
    """A naive time from which the offset was already taken, as an instant."""
    return wall.replace(tzinfo=UTC)
