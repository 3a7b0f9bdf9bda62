"""Durations, readings and the edges of the schedule's own promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontopus_api.schedules import Schedule, ScheduleInvalid, format_duration, parse_duration

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds", "canonical"),
    [
        ("0s", 0, "0s"),
        ("90s", 90, "1m30s"),
        ("10m", 600, "10m"),
        ("1h30m", 5400, "1h30m"),
        ("24h", 86_400, "1d"),
        ("1w", 604_800, "7d"),
        ("1w2d3h4m5s", 788_645, "9d3h4m5s"),
    ],
)
def test_durations(text: str, seconds: int, canonical: str) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)
    assert format_duration(timedelta(seconds=seconds)) == canonical


@given(st.integers(0, 300_000_000))
def test_durations_round_trip(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("10", "add a unit: `10s`, `10m` or `10h`"),
        ("10 minutes", "did you mean `10m`?"),
        ("2H", "did you mean `2h`?"),
        ("", "write numbers with units w, d, h, m, s, largest first: `10m`, `1h30m`"),
        ("10m\n", "did you mean `10m`?"),
        ("500ms", "write numbers with units w, d, h, m, s, largest first: `10m`, `1h30m`"),
        ("٣m", "write numbers with units w, d, h, m, s, largest first: `10m`, `1h30m`"),
    ],
)
def test_bad_durations(text: str, hint: str) -> None:
    with pytest.raises(ScheduleInvalid) as caught:
        parse_duration(text)
    assert (caught.value.code, caught.value.hint) == ("bad_duration", hint)


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("europe/london", "did you mean `Europe/London`?"),
        ("Europe/Londn", "did you mean `Europe/London`?"),
        ("Paris", "did you mean `Europe/Paris`?"),
        ("New York", "did you mean `America/New_York`?"),
        ("PST", "did you mean `America/Los_Angeles`?"),
        ("Z", "did you mean `UTC`?"),
        ("??", "use an IANA name such as `Europe/London` or `UTC`"),
    ],
)
def test_unknown_zones_get_the_nearest_name(zone: str, hint: str) -> None:
    with pytest.raises(ScheduleInvalid) as caught:
        Schedule.parse(["@daily"], zone)
    assert (caught.value.code, caught.value.hint) == ("unknown_timezone", hint)


def test_slots_include_the_start_and_exclude_the_end() -> None:
    schedule = Schedule.parse(["0 * * * *"], "UTC")
    hours = [slot.hour for slot in schedule.slots(NOON, NOON + timedelta(hours=3))]
    assert hours == [12, 13, 14]
    assert len(list(schedule.slots(NOON, NOON + timedelta(days=365), limit=5))) == 5
    assert list(schedule.slots(NOON, NOON)) == []


def test_answers_are_utc_whatever_the_question() -> None:
    schedule = Schedule.parse(["0 2 * * *"], "Europe/London")
    asked = NOON.astimezone(timezone(timedelta(hours=9)))
    answer = schedule.next_after(asked)
    assert answer == schedule.next_after(NOON)
    assert answer is not None
    assert answer.tzinfo is UTC


def test_naive_instants_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="timezone-aware"):
        Schedule.parse(["@daily"]).next_after(datetime(2026, 1, 1))  # noqa: DTZ001


def test_microseconds_count() -> None:
    schedule = Schedule.parse(["0 12 * * *"])
    just_before = NOON - timedelta(microseconds=1)
    assert schedule.next_after(just_before) == NOON
    assert schedule.previous_at_or_before(just_before) == NOON - timedelta(days=1)


@pytest.mark.parametrize("expression", ["0 2 * * *", "* * * * *", "0 0 29 2 */7", "every 1d"])
def test_the_calendar_has_ends(expression: str) -> None:
    schedule = Schedule.parse([expression], "Asia/Kathmandu")
    assert schedule.next_after(datetime(9999, 12, 31, 23, 59, tzinfo=UTC)) is None
    first = datetime(1, 1, 1, tzinfo=UTC)
    before = schedule.previous_at_or_before(first)
    assert before is None or before <= first


def test_an_anchored_schedule_has_no_past() -> None:
    schedule = Schedule.parse(["every 1h"]).anchored(NOON)
    assert schedule.previous_at_or_before(NOON + timedelta(minutes=59)) is None
    assert schedule.previous_at_or_before(NOON + timedelta(minutes=60)) == NOON + timedelta(hours=1)


_words = st.text(st.sampled_from("0123456789*/,-@?#LWabcdefghijklmnopqrstuvwxyz \t\n٣"), max_size=30)


@given(_words)
def test_any_text_is_a_schedule_or_an_explained_error(text: str) -> None:
    try:
        schedule = Schedule.parse([text], "Europe/London")
    except ScheduleInvalid as error:
        assert error.code  # noqa: PT017 - either outcome is right
        return
    assert schedule.describe()
    following = schedule.next_after(NOON)
    assert following is None or following > NOON
