"""Gaps and times of the week, against counting them out on a calendar."""

from __future__ import annotations

import itertools
import time
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crontopus_api.schedules import Schedule, ScheduleInvalid
from crontopus_api.schedules.cron import parse_cron
from crontopus_api.schedules.nominal import DAY, WEEK, first_outside, smallest_gap

START = datetime(2023, 12, 1)  # noqa: DTZ001 - wall-clock time
_minutes = st.sampled_from(["0", "30", "59", "0,29", "*/20", "5-50/15"])
_hours = st.sampled_from(["0", "2", "23", "0,23", "*/6", "9-17", "1,13"])
_days = st.sampled_from(["*", "1", "28", "*/7", "29-31", "13", "1,15"])
_months = st.sampled_from(["*", "2", "1,12", "*/3", "3-5"])
_weekdays = st.sampled_from(["*", "mon", "0", "7", "1-5", "*/2", "sat,sun"])
_crons = st.tuples(_minutes, _hours, _days, _months, _weekdays).map(" ".join)


def _counted(expressions: list[str], days: int) -> list[datetime]:
    """Every match on a clock that never jumps."""
    found = set()
    for clock in map(parse_cron, expressions):
        wall = clock.after(START)
        while wall is not None and wall < START + timedelta(days=days):
            found.add(wall)
            wall = clock.after(wall)
    return sorted(found)


@settings(max_examples=150, deadline=None)
@given(st.lists(_crons, min_size=1, max_size=3))
@example(["0 1,23 * * *"])
@example(["0 0 29 2 *", "30 23 28 2 *"])
def test_no_two_slots_are_closer_than_the_smallest_gap(expressions: list[str]) -> None:
    try:
        schedule = Schedule.parse(expressions)
    except ScheduleInvalid:  # 31 February
        return
    walls = _counted(expressions, 3 * 366)
    gaps = [later - earlier for earlier, later in itertools.pairwise(walls)]
    assert smallest_gap(schedule) <= min([*gaps, timedelta(days=366)])


@settings(max_examples=100, deadline=None)
@given(_minutes, _hours, _weekdays)
def test_the_smallest_gap_of_weekly_times_is_exact(minute: str, hour: str, weekday: str) -> None:
    expression = f"{minute} {hour} * * {weekday}"
    walls = _counted([expression], 15)
    gaps = [later - earlier for earlier, later in itertools.pairwise(walls)]
    assert smallest_gap(Schedule.parse([expression])) == min(gaps)


@settings(max_examples=150, deadline=None)
@given(_crons, st.integers(0, WEEK - 1), st.integers(1, WEEK))
def test_what_is_inside_the_windows_never_falls_outside(cron: str, start: int, length: int) -> None:
    allowed = bytearray(WEEK)
    for minute in range(start, start + length):
        allowed[minute % WEEK] = 1
    try:
        schedule = Schedule.parse([cron])
    except ScheduleInvalid:
        return
    outside = [
        wall
        for wall in _counted([cron], 366)
        if not allowed[wall.isoweekday() % 7 * DAY + wall.hour * 60 + wall.minute]
    ]
    found = first_outside(schedule, bytes(allowed))
    if outside:
        assert found is not None
    if found is not None:
        assert found[0] == 0
        assert found[1] is not None
        assert not allowed[found[1].weekday * DAY + found[1].hour * 60 + found[1].minute]


def test_a_time_outside_is_one_that_comes() -> None:
    found = first_outside(Schedule.parse(["30 4 * * 2", "0 12 * * fri"]), bytes(WEEK))
    assert found is not None
    assert (found[0], found[1].__repr__()) == (0, "WeekMinute(weekday=2, hour=4, minute=30)")


def test_a_week_has_its_length() -> None:
    with pytest.raises(ValueError, match="10,080"):
        first_outside(Schedule.parse(["@daily"]), b"\1")


def test_the_fullest_schedule_is_judged_at_once() -> None:
    expressions = [f"{n} {n} {n + 1} {n % 12 + 1} {n % 7}" for n in range(16)]
    schedule = Schedule.parse(expressions)
    smallest_gap(Schedule.parse(["1 1 1 1 1"]))  # the calendar is made once
    began = time.perf_counter()
    smallest_gap(schedule)
    assert time.perf_counter() - began < 0.5
