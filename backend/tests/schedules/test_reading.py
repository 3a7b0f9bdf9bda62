"""Plain English, as somebody who never saw a crontab would read it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crontopus_api.schedules import Schedule

READINGS = [
    ("0 2 * * *", "At 02:00 every day"),
    ("* * * * *", "Every minute"),
    ("*/15 * * * *", "Every 15 minutes"),
    ("*/15 9-17 * * mon-fri", "Every 15 minutes from 09:00 to 17:45 on weekdays (Monday to Friday)"),
    ("0 2 * * mon", "At 02:00 on Mondays"),
    ("0 0 13 * fri", "At 00:00 on the 13th of every month, and on Fridays as well"),
    ("30 3 1 * *", "At 03:30 on the 1st of every month"),
    ("0 0 1 1 *", "At 00:00 on 1 January every year"),
    ("0 0,12 * * *", "At 00:00 and 12:00 every day"),
    ("0 9,10,11,12,13 * * *", "Every hour from 09:00 to 13:00 every day"),
    ("5,35 * * * *", "At 5 and 35 minutes past every hour"),
    ("0 */2 * * *", "Every 2 hours from 00:00 to 22:00 every day"),
    ("0 0 */2 * 1", "At 00:00 on Mondays, but only on every 2nd day from the 1st to the 31st of every month"),
    ("0 0 * 6-8 *", "At 00:00 every day in June, July and August"),
    ("0-10 5 * * *", "Every minute from 05:00 to 05:10 every day"),
    ("17 4 1,15 * 1", "At 04:17 on the 1st and 15th of every month, and on Mondays as well"),
    ("0 0 29 2 *", "At 00:00 on 29 February of leap years"),
    ("0 22 * * 1-5,0", "At 22:00 every day except Saturdays"),
    ("*/5 * 1 * *", "Every 5 minutes on the 1st of every month"),
    ("0 4 * * 6,0", "At 04:00 on Saturdays and Sundays"),
    (
        "10-50/10 */3 * jan,jul *",
        "Every 10 minutes from 10 to 50 minutes past every 3rd hour from 00:00 to 21:00 every day in January and July",
    ),
    ("1-59/2 * * * *", "Every 2 minutes from 1 to 59 minutes past every hour"),
    ("0 0 * * 7", "At 00:00 on Sundays"),
    ("0 0 * * 0-6", "At 00:00 every day"),
    ("0 0 1-31 * 1", "At 00:00 every day"),
    ("0-59 0-23 * * *", "Every minute"),
    ("*,5 2 * * *", "Every minute from 02:00 to 02:59 every day"),
    ("0 0 *,13 * 5", "At 00:00 on Fridays"),
    ("30 9-17 * * *", "Every hour from 09:30 to 17:30 every day"),
    ("15,45 8,20 * * *", "At 08:15, 08:45, 20:15 and 20:45 every day"),
    ("*/7 * * * *", "Every 7 minutes from 0 to 56 minutes past every hour"),
    ("0 0 31 * *", "At 00:00 on the 31st of every month that has one"),
    ("0 0 31 2 mon", "At 00:00 on Mondays in February"),
    ("15,30,45 * * * *", "At 15, 30 and 45 minutes past every hour"),
    ("1 * * * *", "At 1 minute past every hour"),
    ("*/10 1,5,7 * * *", "Every 10 minutes from 0 to 50 minutes past 01:00, 05:00 and 07:00 every day"),
    ("*/20 */6 * * *", "At 0, 20 and 40 minutes past every 6th hour from 00:00 to 18:00 every day"),
    ("0 0 1 4-12 *", "At 00:00 on the 1st of the months from April to December"),
    ("0 0 10-20 * *", "At 00:00 on days 10 to 20 of every month"),
    ("20-25 3 * * *", "Every minute from 03:20 to 03:25 every day"),
]


@pytest.mark.parametrize(("expression", "reading"), READINGS, ids=[row[0] for row in READINGS])
def test_reading(expression: str, reading: str) -> None:
    assert Schedule.parse([expression], "Asia/Tokyo").describe() == f"{reading}, in Asia/Tokyo"


@pytest.mark.parametrize(
    ("expressions", "zone", "reading"),
    [
        (["0 2 * * *"], "Europe/London", "At 02:00 every day, in Europe/London"),
        (["every 15m"], "Europe/London", "Every 15 minutes"),
        (["every 1h"], "UTC", "Every hour"),
        (["every 1h30m"], "UTC", "Every 1 hour 30 minutes"),
        (["@hourly"], "UTC", "At the start of every hour, in UTC"),
        (["@weekly"], "UTC", "At 00:00 on Sundays, in UTC"),
        (["0 2 * * *", "every 6h"], "UTC", "At 02:00 every day; and every 6 hours, in UTC"),
        (
            ["@daily", "30 12 * * sat", "0 0 * * *"],
            "America/New_York",
            "At 00:00 every day; and at 12:30 on Saturdays, in America/New_York",
        ),
    ],
)
def test_a_whole_schedule(expressions: list[str], zone: str, reading: str) -> None:
    assert Schedule.parse(expressions, zone).describe() == reading


def _fields(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high).map(str)
    span = st.tuples(st.integers(low, high), st.integers(low, high), st.integers(1, high)).map(
        lambda t: f"{min(t[:2])}-{max(t[:2])}/{t[2]}"
    )
    step = st.integers(1, high).map(lambda n: f"*/{n}")
    return st.one_of(
        st.just("*"), step, st.lists(st.one_of(number, span), min_size=1, max_size=4).map(",".join)
    )


@given(st.tuples(_fields(0, 59), _fields(0, 23), _fields(1, 28), _fields(1, 12), _fields(0, 7)))
def test_every_expression_reads_as_a_sentence_of_bearable_length(fields: tuple[str, ...]) -> None:
    reading = Schedule.parse([" ".join(fields)]).describe()
    assert reading.startswith(("At ", "Every "))
    assert "  " not in reading
    assert len(reading) < 600
