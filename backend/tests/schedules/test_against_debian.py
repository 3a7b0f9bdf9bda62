"""Slots are what Debian's cron would do, on quiet days and where clocks jump."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crontopus_api.schedules import Schedule

from .debian_cron import firings

# Around a jump of each kind: an hour, half an hour, at midnight, a day, two hours, three hours, none.
NIGHTS = [
    ("America/New_York", "2026-03-08T07:00:00Z"),
    ("America/New_York", "2026-11-01T06:00:00Z"),
    ("Europe/London", "2026-03-29T01:00:00Z"),
    ("Europe/London", "2026-10-25T01:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ("America/Sao_Paulo", "2019-02-17T02:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("Antarctica/Troll", "2026-03-29T01:00:00Z"),
    ("Antarctica/Troll", "2026-10-25T01:00:00Z"),
    ("Antarctica/Casey", "2018-03-10T17:00:00Z"),
    ("Antarctica/Casey", "2018-10-06T20:00:00Z"),
    ("Asia/Kathmandu", "2026-03-29T01:00:00Z"),
    ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
    ("UTC", "2026-03-29T01:00:00Z"),
]


def _field(low: int, high: int, near: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    number = st.one_of(near, st.integers(low, high))
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    step = st.integers(1, high)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.lists(number.map(str), min_size=2, max_size=4).map(",".join),
        span,
        st.builds(lambda s, n: f"{s}/{n}", st.one_of(st.just("*"), span), step),
    )


expressions = st.builds(
    lambda minute, hour, day: f"{minute} {hour} {day}",
    _field(0, 59, st.sampled_from([0, 15, 30, 45])),
    _field(0, 23, st.integers(0, 4)),
    st.sampled_from(["* * *", "* * *", "* * sat,sun", "4,8 * 0", "*/2 * 7", "29 * *", "1-15 mar,oct,nov *"]),
)


@settings(max_examples=150, deadline=None)
@given(expression=expressions, night=st.sampled_from(NIGHTS))
@example(expression="*/15 3 * * *", night=NIGHTS[4])  # cronsim alone loses 03:00 and 03:15 here
@example(expression="* 0-0/1 * * *", night=NIGHTS[0])  # cronsim alone reads 0-0/1 as every hour
@example(expression="30 1 * * *", night=NIGHTS[1])
@example(expression="0 2 * * *", night=NIGHTS[8])
@example(expression="30 23 * * *", night=NIGHTS[11])
def test_slots_equal_debians_firings(expression: str, night: tuple[str, str]) -> None:
    zone, jump = night[0], datetime.fromisoformat(night[1])
    start, end = jump - timedelta(hours=27), jump + timedelta(hours=27)
    expected = list(firings(expression, zone, start - timedelta(minutes=1), end))
    schedule = Schedule.parse([expression], zone)
    assert list(schedule.slots(start, end + timedelta(seconds=1))) == expected


@settings(max_examples=60, deadline=None)
@given(
    expression=expressions,
    night=st.sampled_from(NIGHTS),
    offset=st.integers(-5 * 3600, 5 * 3600),
)
def test_looking_from_any_second_sees_the_same_slots(
    expression: str, night: tuple[str, str], offset: int
) -> None:
    """`next_after` and `previous_at_or_before` agree with the list of slots, wherever one stands."""
    zone, jump = night[0], datetime.fromisoformat(night[1])
    schedule = Schedule.parse([expression], zone)
    at = jump + timedelta(seconds=offset)
    slots = list(firings(expression, zone, jump - timedelta(hours=30), jump + timedelta(hours=30)))
    later = [slot for slot in slots if slot > at]
    earlier = [slot for slot in slots if slot <= at]
    if later:
        assert schedule.next_after(at) == later[0]
    if earlier:
        assert schedule.previous_at_or_before(at) == earlier[-1]


def test_the_oracle_itself_is_debian() -> None:
    """The manual's own words: skipped runs soon after the change, repeated ones not again, wildcards live."""

    def on(night: str, expression: str) -> list[str]:
        start = datetime.fromisoformat(night).replace(tzinfo=UTC) + timedelta(hours=4)
        fired = firings(expression, "America/New_York", start, start + timedelta(hours=6))
        return [instant.strftime("%H:%MZ") for instant in fired]

    assert on("2026-03-08", "30 2 * * *") == ["07:00Z"]  # 02:30 does not exist: at 03:00 EDT
    assert on("2026-11-01", "30 1 * * *") == ["05:30Z"]  # 01:30 happens twice: the first, EDT
    assert on("2026-11-01", "30 * * * *")[:3] == ["04:30Z", "05:30Z", "06:30Z"]


@pytest.mark.parametrize(("zone", "jump"), NIGHTS)
def test_every_ignores_the_wall_clock(zone: str, jump: str) -> None:
    start = datetime.fromisoformat(jump) - timedelta(hours=3)
    slots = list(Schedule.parse(["every 20m"], zone).slots(start, start + timedelta(hours=6)))
    assert [later - earlier for earlier, later in pairwise(slots)] == [timedelta(minutes=20)] * (
        len(slots) - 1
    )
    assert all(slot.timestamp() % 1200 == 0 for slot in slots)
