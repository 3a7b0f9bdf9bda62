"""The effects of clock changes, held to the slots themselves."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crontopus_api.schedules import ClockChange, Schedule, clock_changes
from crontopus_api.schedules.cron import parse_cron
from crontopus_api.schedules.zones import load_zone, next_jump

START = datetime(2026, 11, 15, tzinfo=UTC)
LONDON_SPRING = "On 28 March 2027 the clocks in Europe/London go forward from 01:00 to 02:00: "
LONDON_AUTUMN = "On 31 October 2027 the clocks in Europe/London go back from 02:00 to 01:00: "


def _changes(expressions: list[str], zone: str, start: datetime = START) -> tuple[ClockChange, ...]:
    return clock_changes(Schedule.parse(expressions, zone), start)


@pytest.mark.parametrize(
    ("expression", "spring", "autumn"),
    [
        (
            "30 1 * * *",
            "01:30 does not exist that day, so the run comes at 02:00.",
            "01:30 comes twice that day, and the job runs only the first time.",
        ),
        (
            "15,45 1 * * *",
            "01:15 and 01:45 do not exist that day, so one run for all 2 of them comes at 02:00.",
            "01:15 and 01:45 come twice that day, and the job runs only the first time of each.",
        ),
        (
            "0 * * * *",
            "01:00 does not exist that day, so there is no run then.",
            "01:00 comes twice that day, and the job runs both times.",
        ),
        (
            "* * * * *",
            "01:00, 01:01, … 01:59 do not exist that day, so there is no run then.",
            "01:00, 01:01, … 01:59 come twice that day, and the job runs both times.",
        ),
    ],
)
def test_in_plain_english(expression: str, spring: str, autumn: str) -> None:
    texts = [change.text for change in _changes([expression], "Europe/London")]
    assert texts == [LONDON_SPRING + spring, LONDON_AUTUMN + autumn]


@pytest.mark.parametrize(
    ("expressions", "zone"),
    [
        (["0 12 * * *"], "Europe/London"),
        (["30 1 * * mon"], "Europe/London"),  # clocks change on Sundays
        (["every 1h"], "Europe/London"),
        (["* * * * *"], "Asia/Kathmandu"),
        (["* * * * *"], "UTC"),
    ],
)
def test_what_does_not_matter_is_left_out(expressions: list[str], zone: str) -> None:
    assert _changes(expressions, zone) == ()


def test_the_facts_of_a_change() -> None:
    spring, autumn = _changes(["30 1 * * *"], "Europe/London")
    assert spring == ClockChange(
        at=datetime(2027, 3, 28, 1, tzinfo=UTC),
        before=timedelta(0),
        after=timedelta(hours=1),
        kind="moved",
        local=(datetime(2027, 3, 28, 1, 30),),  # noqa: DTZ001 - wall-clock time
        count=1,
        slots=(datetime(2027, 3, 28, 1, tzinfo=UTC),),
        text=spring.text,
    )
    assert (autumn.kind, autumn.slots) == ("once_of_two", (datetime(2027, 10, 31, 0, 30, tzinfo=UTC),))


def test_expressions_are_told_apart_by_what_happens_to_them() -> None:
    spring = [
        (change.kind, change.count)
        for change in _changes(["30 1 * * *", "45 1 * * *", "*/30 * * * *"], "Europe/London")
        if change.after > change.before
    ]
    assert spring == [("moved", 2), ("skipped", 2)]


def test_a_lost_day_is_not_made_up_for() -> None:
    (change,) = _changes(["0 6,18 * * *"], "Pacific/Apia", datetime(2011, 12, 1, tzinfo=UTC))
    assert (change.kind, change.count, change.slots) == ("skipped", 2, ())
    assert "go forward from 00:00 to 00:00 on 31 December 2011" in change.text


def test_the_end_can_be_given() -> None:
    schedule = Schedule.parse(["0 * * * *"], "Europe/London")
    at = datetime(2027, 3, 28, 1, tzinfo=UTC)
    assert [change.at for change in clock_changes(schedule, START, at)] == [at]
    assert clock_changes(schedule, START, at - timedelta(seconds=1)) == ()
    assert clock_changes(schedule, at, at + timedelta(days=30)) == ()


def test_every_minute_is_bounded_work() -> None:
    _changes(["* * * * *"], "America/New_York")
    began = time.perf_counter()
    changes = _changes(["* * * * *"] * 16, "America/New_York")
    assert time.perf_counter() - began < 0.5
    assert [(len(change.local), change.count) for change in changes] == [(10, 60), (10, 60)]


_crons = st.tuples(
    st.sampled_from(["0", "30", "15,45", "*/20", "59"]),
    st.sampled_from(["*", "1", "2", "0-3", "23", "*/2", "1,2"]),
    st.just("*"),
    st.just("*"),
    st.sampled_from(["*", "sun", "5", "1-6"]),
).map(" ".join)
_jumps = st.sampled_from(
    [
        ("Europe/London", datetime(2027, 1, 1, tzinfo=UTC)),
        ("Europe/London", datetime(2027, 7, 1, tzinfo=UTC)),
        ("America/New_York", datetime(2027, 1, 1, tzinfo=UTC)),
        ("America/New_York", datetime(2027, 7, 1, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2027, 1, 1, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2027, 7, 1, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2018, 10, 1, tzinfo=UTC)),
        ("America/Sao_Paulo", datetime(2018, 1, 1, tzinfo=UTC)),
        ("Pacific/Apia", datetime(2011, 12, 1, tzinfo=UTC)),
        ("Antarctica/Casey", datetime(2018, 3, 1, tzinfo=UTC)),  # exactly three hours back
        ("Antarctica/Casey", datetime(2016, 10, 1, tzinfo=UTC)),  # exactly three hours forward
    ]
)


@settings(max_examples=300, deadline=None)
@given(_crons, _jumps)
def test_the_changes_explain_the_slots(expression: str, where: tuple[str, datetime]) -> None:
    """Two days around the change: the wall clock's times, but for those in the changes, and what comes of those."""
    zone, start = where
    jump = next_jump(load_zone(zone), start, start + timedelta(days=366))
    assert jump is not None
    schedule = Schedule.parse([expression], zone)
    changes = [change for change in clock_changes(schedule, start) if change.at == jump.at]
    assume(all(change.count <= 5 for change in changes))  # `slots` shows ten
    low, high = sorted(_naive(jump.at + offset) for offset in (jump.before, jump.after))
    expected = {slot for change in changes for slot in change.slots}
    expected |= {_utc(wall - jump.before) for wall in _walls(expression, low - timedelta(days=1), low)}
    expected |= {_utc(wall - jump.after) for wall in _walls(expression, high, high + timedelta(days=1))}
    begin, end = _utc(low - timedelta(days=1) - jump.before), _utc(high + timedelta(days=1) - jump.after)
    assert set(schedule.slots(begin, end)) == expected


def _walls(expression: str, low: datetime, high: datetime) -> Any:
    clock = parse_cron(expression)
    wall = clock.after(low - timedelta(seconds=1))
    while wall is not None and wall < high:
        yield wall
        wall = clock.after(wall)


def _naive(instant: datetime) -> datetime:
    return instant.replace(tzinfo=None)


def _utc(wall: datetime) -> datetime:
    return wall.replace(tzinfo=UTC)
