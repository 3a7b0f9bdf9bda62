"""What the coming clock changes do to a schedule, in facts and in plain English.

The rules are those of rules.py (Debian's cron); a test holds every change reported here to the slots that module
gives. `every N` follows no wall clock, so a clock change never touches it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

from crontopus_api.schedules.cron import WallClock
from crontopus_api.schedules.reading import MONTHS
from crontopus_api.schedules.rules import CORRECTION, CronRule, to_utc, wall_at
from crontopus_api.schedules.schedule import Schedule
from crontopus_api.schedules.zones import Jump, next_jump

YEAR = timedelta(days=366)
_MOST_JUMPS = 16  # a zone has at most four a year (Morocco, around Ramadan)
_SHOWN = 10
_MINUTE = timedelta(minutes=1)
_MOST_MATCHES = 2 * 1440  # the longest jump there ever was is a day

Kind = Literal["skipped", "moved", "doubled", "once_of_two"]


@dataclass(frozen=True, slots=True)
class ClockChange:
    """One effect of one change of the clock on a schedule.

    `at`: when the clock changes (UTC); `before` and `after`: the offset from UTC. `kind`: the local times are
    `skipped` (no run), `moved` (skipped, but made up for by one run right after the change), `doubled` (they come
    twice, and a run with each) or `once_of_two` (they come twice, with a run the first time only). `local`: those
    times on the wall clock, naive, at most 10 of the `count` there are. `slots`: the slots that result (UTC), at most
    10: none, the one that makes up for it, both of each time, the first of each. `text` says it all in one sentence.
    """

    at: datetime
    before: timedelta
    after: timedelta
    kind: Kind
    local: tuple[datetime, ...]
    count: int
    slots: tuple[datetime, ...]
    text: str


def clock_changes(
    schedule: Schedule, start: datetime, until: datetime | None = None
) -> tuple[ClockChange, ...]:
    """Every clock change in (start, until] that changes what the job does, earliest first.

    `until` is a year later unless given. Changes no run is affected by are left out.
    """
    found: list[ClockChange] = []
    crons = [rule for rule in schedule.rules if isinstance(rule, CronRule)]
    if crons:
        for jump in _jumps(crons[0], start, until or start + YEAR):
            found += _effects(crons, jump, schedule.timezone)
    return tuple(found)


def _jumps(rule: CronRule, start: datetime, until: datetime) -> Iterator[Jump]:
    for _ in range(_MOST_JUMPS):
        jump = next_jump(rule.zone, start, until)
        if jump is None:
            return
        yield jump
        start = jump.at


def _effects(crons: Sequence[CronRule], jump: Jump, timezone: str) -> Iterator[ClockChange]:
    """One change for each kind of effect, the times of all expressions together."""
    times: dict[Kind, set[datetime]] = {}
    low, high = sorted((wall_at(jump.at, jump.before), wall_at(jump.at, jump.after)))
    for cron in crons:
        matches = set(islice(_matches(cron.clock, low, high), _MOST_MATCHES))
        times.setdefault(_kind(cron.clock, jump), set()).update(matches)
    for kind, walls in times.items():
        if walls:
            local = sorted(walls)
            yield ClockChange(
                jump.at,
                jump.before,
                jump.after,
                kind,
                tuple(local[:_SHOWN]),
                len(local),
                tuple(_slots(kind, local, jump)[:_SHOWN]),
                _sentence(kind, local, jump, timezone),
            )


def _matches(clock: WallClock, low: datetime, high: datetime) -> Iterator[datetime]:
    wall = clock.after(low - _MINUTE)
    while wall is not None and wall < high:
        if wall >= low:
            yield wall
        wall = clock.after(wall)


def _kind(clock: WallClock, jump: Jump) -> Kind:
    if jump.width > timedelta(0):
        return "skipped" if clock.wildcard or jump.width >= CORRECTION else "moved"
    return "doubled" if clock.wildcard or -jump.width > CORRECTION else "once_of_two"


def _slots(kind: Kind, local: Sequence[datetime], jump: Jump) -> list[datetime]:
    if kind == "skipped":
        return []
    if kind == "moved":
        return [jump.at]
    first = [to_utc(wall - jump.before) for wall in local]
    if kind == "once_of_two":
        return first
    return sorted([*first, *(to_utc(wall - jump.after) for wall in local)])


def _sentence(kind: Kind, local: Sequence[datetime], jump: Jump, timezone: str) -> str:
    old, new = wall_at(jump.at, jump.before), wall_at(jump.at, jump.after)
    one = len(local) == 1
    direction = "forward" if new > old else "back"
    opening = f"On {_date(old)} the clocks in {timezone} go {direction} from {old:%H:%M} to {_time(new, old)}"
    times = _times(local)
    if kind == "skipped":
        return f"{opening}: {times} {'does' if one else 'do'} not exist that day, so there is no run then."
    if kind == "moved":
        whole = "the run" if one else f"one run for all {len(local)} of them"
        return f"{opening}: {times} {'does' if one else 'do'} not exist that day, so {whole} comes at {new:%H:%M}."
    twice = f"{opening}: {times} {'comes' if one else 'come'} twice that day, and the job runs"
    if kind == "doubled":
        return f"{twice} both times."
    return f"{twice} only the first time{'' if one else ' of each'}."


def _times(local: Sequence[datetime]) -> str:
    """`02:30`, `01:00 and 01:30`, or for many `01:00, 01:05, … 01:55`; with dates when there are several."""
    several_days = local[0].date() != local[-1].date()
    words = [f"{_date(wall)} {wall:%H:%M}" if several_days else f"{wall:%H:%M}" for wall in local]
    if len(words) > 4:
        return f"{words[0]}, {words[1]}, … {words[-1]}"
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _time(wall: datetime, other: datetime) -> str:
    return f"{wall:%H:%M}" if wall.date() == other.date() else f"{wall:%H:%M} on {_date(wall)}"


def _date(wall: datetime) -> str:
    return f"{wall.day} {MONTHS[wall.month]} {wall.year}"  # strftime would follow the locale
