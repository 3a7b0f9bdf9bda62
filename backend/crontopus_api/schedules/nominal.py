"""What a schedule says on a wall clock that never jumps: how close its slots come, and when in the week.

Policies ask these questions. Their answers must not depend on today's date or on where a zone's clock jumps
(`0 */2 * * *` is "every two hours" to whoever writes `minimumInterval: 2h`, though one night a year
two of its slots are an hour apart), so that a manifest accepted once stays acceptable. Work is bounded: the days
of 29 years, after which the Gregorian calendar says nothing new about gaps of up to 366 days, are bits of one number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache, reduce
from operator import or_

from crontopus_api.schedules.cron import Fields
from crontopus_api.schedules.rules import CronRule
from crontopus_api.schedules.schedule import Schedule

DAY = 1440
WEEK = 7 * DAY
_FIRST_DAY = date(2001, 1, 1)
_YEARS = 29
_LONGEST = 366 * DAY


@dataclass(frozen=True, slots=True)
class WeekMinute:
    """A minute of the week. `weekday` 0 is Sunday, as in cron."""

    weekday: int
    hour: int
    minute: int


def smallest_gap(schedule: Schedule) -> timedelta:
    """The shortest time between two slots.

    Intervals are taken to start together: the gap of several is their greatest common divisor. Nothing ties an
    interval to a time of day (zones differ, and ping mode counts from the last run), so a list with both can
    come within a minute of itself. A schedule whose only gap is longer than 366 days answers 366 days.
    """
    return timedelta(minutes=_smallest_gap(schedule.expressions))


@lru_cache(maxsize=4096)
def _smallest_gap(expressions: tuple[str, ...]) -> int:
    rules = Schedule.parse(expressions).rules
    crons = [rule.clock.fields for rule in rules if isinstance(rule, CronRule)]
    intervals = [int(rule.interval.total_seconds()) // 60 for rule in rules if not isinstance(rule, CronRule)]
    if not crons:
        return math.gcd(*intervals)
    if intervals:
        return 1
    times = [_Times.of(cron) for cron in crons]
    smallest = _LONGEST
    for earlier in times:
        for later in times:
            smallest = min(smallest, _closest(earlier, later, smallest))
    return smallest


@dataclass(frozen=True, slots=True)
class _Times:
    """One expression as two sets of bits: its days since 2001 and its minutes of a day."""

    days: int
    minutes: int

    @classmethod
    def of(cls, cron: Fields) -> _Times:
        calendar = _calendar()
        by_date = _union(calendar.days[day] for day in cron.days)
        by_weekday = _union(calendar.weekdays[day] for day in cron.weekdays)
        named = by_date | by_weekday if cron.either_day else by_date & by_weekday
        minutes = _union(1 << (hour * 60 + minute) for hour in cron.hours for minute in cron.minutes)
        return cls(named & _union(calendar.months[month] for month in cron.months), minutes)


def _closest(earlier: _Times, later: _Times, limit: int) -> int:
    """The fewest minutes from a slot of one to a later slot of the other, or `limit` if that is fewer."""
    first, final = _lowest(later.minutes), earlier.minutes.bit_length() - 1
    if earlier.days & later.days:
        farthest = later.minutes.bit_length() - 1 - _lowest(earlier.minutes)
        nearer = range(1, min(limit, farthest + 1))
        limit = next((gap for gap in nearer if (earlier.minutes << gap) & later.minutes), limit)
    overnight = first - final
    for days in range(1, _LONGEST // DAY + 2):
        if (gap := days * DAY + overnight) >= limit:
            break
        if (earlier.days << days) & later.days:
            return gap
    return limit


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


@dataclass(frozen=True, slots=True)
class _Calendar:
    """The days of 29 years as bits, by day of the month, by month and by weekday."""

    days: dict[int, int]
    months: dict[int, int]
    weekdays: dict[int, int]


@lru_cache(maxsize=1)
def _calendar() -> _Calendar:
    calendar = _Calendar(
        dict.fromkeys(range(1, 32), 0), dict.fromkeys(range(1, 13), 0), dict.fromkeys(range(7), 0)
    )
    for number in range(_YEARS * 366):
        day = _FIRST_DAY + timedelta(days=number)
        calendar.days[day.day] |= 1 << number
        calendar.months[day.month] |= 1 << number
        calendar.weekdays[day.isoweekday() % 7] |= 1 << number
    return calendar


def _union(sets: Iterable[int]) -> int:
    return reduce(or_, sets, 0)


def first_outside(schedule: Schedule, allowed: bytes) -> tuple[int, WeekMinute | None] | None:
    """The first expression with a time that is not allowed, by index, and the earliest such time of the week.

    `allowed` has one byte for each minute of the week from Sunday 00:00, 0 where nothing may be scheduled. An
    interval has no time of day: unless every minute is allowed it is outside, and the time is None.
    """
    if len(allowed) != WEEK:
        raise ValueError("a week has 10,080 minutes")
    for index, rule in enumerate(schedule.rules):
        if not isinstance(rule, CronRule):
            if 0 in allowed:
                return index, None
            continue
        found = _first_outside(rule.clock.fields, allowed)
        if found is not None:
            return index, found
    return None


def _first_outside(cron: Fields, allowed: bytes) -> WeekMinute | None:
    for weekday in sorted(_possible_weekdays(cron)):
        for hour in sorted(cron.hours):
            for minute in sorted(cron.minutes):
                if not allowed[weekday * DAY + hour * 60 + minute]:
                    return WeekMinute(weekday, hour, minute)
    return None


def _possible_weekdays(cron: Fields) -> frozenset[int]:
    """A date that comes at all falls on every weekday sooner or later, be it 29 February."""
    if cron.either_day and cron.reachable:
        return frozenset(range(7))
    return cron.weekdays
