"""A cron expression in English that somebody who never saw one understands.

Written from what the fields name, not from how they are spelled: `0 0 * * 1-5` and `0 0 * * mon-fri` read the same,
and where both day fields count, the reading says which of the two ways they do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from crontopus_api.schedules.cron import Fields

MONTHS = (
    *("", "January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Sundays", "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays")
_MONDAY_FIRST = (1, 2, 3, 4, 5, 6, 0)
_MOST_TIMES = 6  # as many times of day as a sentence can list
_SHORTEST_MONTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def read_cron(fields: Fields) -> str:
    """E.g. `At 02:00 on Mondays`, `Every 15 minutes`. Begins with a capital, ends without a full stop."""
    times = _times(fields)
    dates = _dates(fields)
    if dates == "every day" and len(fields.hours) == 24:
        return times
    return f"{times} {dates}"


def _times(fields: Fields) -> str:
    minutes, hours = sorted(fields.minutes), sorted(fields.hours)
    if len(hours) == 24:
        return _every_hour(minutes)
    minute_step, hour_step = _step(minutes), _step(hours)
    long_row = (minute_step and len(minutes) > 4) or (hour_step and len(hours) > 3)
    if len(minutes) * len(hours) <= _MOST_TIMES and not long_row:
        return "At " + _join([_clock(hour, minute) for hour in hours for minute in minutes])
    first, last = _clock(hours[0], minutes[0]), _clock(hours[-1], minutes[-1])
    if len(minutes) == 1 and hour_step:
        return f"{_pace(hour_step, 'hour')} from {first} to {last}"
    goes_on = minute_step is not None and minutes[0] + 60 == minutes[-1] + minute_step
    if minute_step and (len(hours) == 1 or (goes_on and hour_step == 1)):
        return f"{_pace(minute_step, 'minute')} from {first} to {last}"
    return f"{_past(minutes)} {_hours(hours)}"


def _pace(step: int, unit: str) -> str:
    return f"Every {unit}" if step == 1 else f"Every {step} {unit}s"


def _every_hour(minutes: Sequence[int]) -> str:
    if minutes == [0]:
        return "At the start of every hour"
    step = _step(minutes)
    if step is not None and minutes[0] == 0 and minutes[-1] + step == 60:
        return _pace(step, "minute")
    return f"{_past(minutes)} every hour"


def _past(minutes: Sequence[int]) -> str:
    """Which minutes of an hour, up to the word `past`."""
    step = _step(minutes)
    if step is not None and len(minutes) > 4:
        return f"{_pace(step, 'minute')} from {minutes[0]} to {minutes[-1]} minutes past"
    plural = "minute" if minutes == [1] else "minutes"
    return f"At {_join(map(str, minutes))} {plural} past"


def _hours(hours: Sequence[int]) -> str:
    step = _step(hours)
    if step is None:
        return _join([_clock(hour, 0) for hour in hours])
    unit = "every hour" if step == 1 else f"every {_ordinal(step)} hour"
    return f"{unit} from {_clock(hours[0], 0)} to {_clock(hours[-1], 0)}"


def _dates(fields: Fields) -> str:
    all_days, all_weekdays = len(fields.days) == 31, len(fields.weekdays) == 7
    if fields.either_day and not fields.reachable:
        return _weekdays(fields)
    if (all_days and all_weekdays) or (fields.either_day and (all_days or all_weekdays)):
        return "every day" if len(fields.months) == 12 else f"every day in {_months(fields)}"
    if all_weekdays:
        return "on " + _days(fields)
    if all_days:
        return _weekdays(fields)
    if fields.either_day:
        return f"on {_days(fields)}, and {_weekdays(fields)} as well"
    return f"{_weekdays(fields)}, but only on {_days(fields)}"


def _weekdays(fields: Fields) -> str:
    named = [day for day in _MONDAY_FIRST if day in fields.weekdays]
    if len(named) == 7:
        text = "every day"
    elif len(named) == 6:
        text = "every day except " + next(_WEEKDAYS[day] for day in range(7) if day not in named)
    elif named == [1, 2, 3, 4, 5]:
        text = "on weekdays (Monday to Friday)"
    else:
        text = "on " + _join(_WEEKDAYS[day] for day in named)
    return text if len(fields.months) == 12 else f"{text} in {_months(fields)}"


def _days(fields: Fields) -> str:
    days, step = sorted(fields.days), _step(sorted(fields.days))
    if len(days) == 1 and len(fields.months) == 1:
        month = next(iter(fields.months))
        leap = " of leap years" if (days[0], month) == (29, 2) else " every year"
        return f"{days[0]} {MONTHS[month]}{leap}"
    months = "every month" if len(fields.months) == 12 else _months(fields)
    if step is None or len(days) < 4:
        text = f"the {_join(map(_ordinal, days))} of {months}"
        missing = len(days) == 1 and days[0] > min(_SHORTEST_MONTHS[month] for month in fields.months)
        return f"{text} that has one" if missing and months == "every month" else text
    if step == 1:
        return f"days {days[0]} to {days[-1]} of {months}"
    return f"every {_ordinal(step)} day from the {_ordinal(days[0])} to the {_ordinal(days[-1])} of {months}"


def _months(fields: Fields) -> str:
    months = sorted(fields.months)
    if len(months) > 3 and _step(months) == 1:
        return f"the months from {MONTHS[months[0]]} to {MONTHS[months[-1]]}"
    return _join(MONTHS[month] for month in months)


def _step(numbers: Sequence[int]) -> int | None:
    """The distance of evenly spaced numbers, at least three of them or two neighbours; else None."""
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    if len(steps) != 1 or (len(numbers) == 2 and steps != {1} and numbers[0] != 0):
        return None
    return steps.pop()


def _clock(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(number % 10, 'th')}"


def _join(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last
