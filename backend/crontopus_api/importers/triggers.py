"""The Task Scheduler's triggers as cron expressions, exactly or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from crontopus_api.importers.xmltree import Element
from crontopus_api.schedules import MAX_EXPRESSIONS, format_duration
from crontopus_api.schedules.durations import clip

DAY = 1440
_DURATION = re.compile(
    r"P(?:(?P<days>[0-9]{1,4})D)?(?:T(?:(?P<hours>[0-9]{1,5})H)?(?:(?P<minutes>[0-9]{1,6})M)?(?:(?P<seconds>[0-9]{1,8})S)?)?"
)
_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_EVENTS = {
    "BootTrigger": "at start-up",
    "LogonTrigger": "when somebody logs on",
    "RegistrationTrigger": "when the task is registered",
    "IdleTrigger": "when the machine is idle",
    "EventTrigger": "when an event is logged",
    "SessionStateChangeTrigger": "when a session is locked, unlocked or connected",
    "WnfStateChangeTrigger": "when Windows changes some state",
}


class Untranslatable(Exception):
    """A trigger that no schedule says: why, and what to do instead."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


@dataclass(slots=True)
class Translated:
    """What a trigger comes to. `utc`: its times are UTC; else they are the machine's own."""

    expressions: list[str]
    utc: bool = False
    delay: timedelta = timedelta(0)
    warnings: list[str] = field(default_factory=list)


def translate(trigger: Element) -> Translated:
    """Raises Untranslatable."""
    if trigger.name in _EVENTS:
        raise Untranslatable(
            f"it runs {_EVENTS[trigger.name]}, which is no time at which a run could be expected",
            "leave it where it is and report its runs in ping mode, or give it times of day",
        )
    if trigger.name not in ("CalendarTrigger", "TimeTrigger"):
        raise Untranslatable(f"{clip(trigger.name)} is not a kind of trigger known here")
    start, utc = _start(trigger)
    result = Translated([], utc, iso_duration(trigger.value("RandomDelay", "PT0S")))
    if start.second:
        result.warnings.append(
            f"It started {start.second} s past the minute; schedules keep to whole minutes."
        )
    if trigger.find("EndBoundary") is not None:
        result.warnings.append(
            f"The trigger ends on {trigger.value('EndBoundary')[:25]}; the job goes on until you pause it."
        )
    if trigger.name == "CalendarTrigger":
        result.expressions = _calendar(trigger, start, utc, result.warnings)
    else:
        result.expressions = _once(trigger, start, result.warnings)
    return result


def iso_duration(text: str) -> timedelta:
    """`PT1H30M`, `P1D`. Raises Untranslatable."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        raise Untranslatable(f"{clip(text)} is not a length of time", "such as `PT15M` or `P1D`")
    return timedelta(**{unit: int(count) for unit, count in match.groupdict("0").items()})


def _start(trigger: Element) -> tuple[datetime, bool]:
    """When it first runs, and whether that is UTC rather than the machine's own time."""
    text = trigger.value("StartBoundary")
    try:
        start = datetime.fromisoformat(text)
        if start.tzinfo is None:
            return start, False
        return start.astimezone(UTC), True
    except (ValueError, OverflowError):
        raise Untranslatable(f"{clip(text)} is not the time of a first run") from None


def _calendar(trigger: Element, start: datetime, utc: bool, warnings: list[str]) -> list[str]:
    days, daily = _dates(trigger, start, utc)
    interval, duration = _repetition(trigger)
    if interval is None:
        return [f"{start.minute} {start.hour} {days}"]
    if duration is None:
        raise Untranslatable(
            "it repeats without an end, and starts again each time", "give times of day instead"
        )
    if duration % interval == 0 and duration < DAY:
        warnings.append(
            "Whether Windows also runs it at the very end of each repetition is not certain; here it does not."
        )
    if duration > DAY:
        raise Untranslatable(
            "its repetitions last longer than a day and overlap", "give times of day instead"
        )
    first = start.hour * 60 + start.minute
    minutes = range(first, first + duration, interval)
    if minutes[-1] >= DAY and not daily:
        raise Untranslatable("its repetitions go on past midnight", "give times of day instead")
    return _expressions({minute % DAY for minute in minutes}, days)


def _once(trigger: Element, start: datetime, warnings: list[str]) -> list[str]:
    interval, duration = _repetition(trigger)
    if interval is None or duration is not None:
        raise Untranslatable(
            f"it runs {'once' if interval is None else 'for a limited time'} only, from {start:%Y-%m-%d %H:%M}",
            "a job comes again and again; leave this one where it is",
        )
    if DAY % interval == 0:
        first = start.hour * 60 + start.minute
        return _expressions({minute % DAY for minute in range(first, first + DAY, interval)}, "* * *")
    warnings.append(
        f"Windows counts the {interval} minutes from {start:%Y-%m-%d %H:%M}; "
        "`every` counts them from 1970-01-01 00:00 UTC."
    )
    return [f"every {format_duration(timedelta(minutes=interval))}"]


def _repetition(trigger: Element) -> tuple[int | None, int | None]:
    """Interval and duration in minutes; None: no repetition, no end."""
    if trigger.find("Repetition/Interval") is None:
        return None, None
    interval = _minutes(trigger.value("Repetition/Interval"), "interval")
    text = trigger.value("Repetition/Duration")
    return interval, _minutes(text, "duration") if text else None


def _minutes(text: str, what: str) -> int:
    seconds = int(iso_duration(text).total_seconds())
    if seconds < 60 or seconds % 60:
        raise Untranslatable(f"its {what} {clip(text)} is not whole minutes")
    return seconds // 60


def _dates(trigger: Element, start: datetime, utc: bool) -> tuple[str, bool]:
    """The three day fields, and whether they name every day."""
    if (by_day := trigger.find("ScheduleByDay")) is not None:
        if by_day.value("DaysInterval", "1") != "1":
            raise Untranslatable(
                f"it runs every {clip(by_day.value('DaysInterval'))} days from {start:%Y-%m-%d}, which cron cannot say",
                "choose weekdays or dates; or `every 2d`, which counts from 1970",
            )
        return "* * *", True
    if (by_week := trigger.find("ScheduleByWeek")) is not None:
        return _weekly(by_week, start, _shift(trigger, start, utc)), False
    if (by_month := trigger.find("ScheduleByMonth")) is not None:
        if _shift(trigger, start, utc):
            raise Untranslatable(
                "its dates are another zone's, and other days in UTC", "give the time in a zone"
            )
        return _monthly(by_month), False
    if trigger.find("ScheduleByMonthDayOfWeek") is not None:
        raise Untranslatable(
            "it runs on the nth or last weekday of a month, which cron cannot say",
            "run it on that weekday every week and let the command check the date",
        )
    raise Untranslatable("it has no schedule")


def _shift(trigger: Element, start: datetime, utc: bool) -> int:
    """How many days later the date is in UTC than it was in the trigger's own offset."""
    if not utc:
        return 0
    local = datetime.fromisoformat(trigger.value("StartBoundary"))
    return (start.date() - local.date()).days


def _weekly(schedule: Element, start: datetime, shift: int) -> str:
    if schedule.value("WeeksInterval", "1") != "1":
        raise Untranslatable(
            f"it runs every {clip(schedule.value('WeeksInterval'))} weeks from {start:%Y-%m-%d}, which cron cannot say",
            "run it every week and let the command check the week",
        )
    named = schedule.find("DaysOfWeek")
    days = [_index(_DAYS, child.name) for child in named.children] if named else []
    if not days:  # Windows then means the weekday of the first run
        return f"* * {start.isoweekday() % 7}"
    return f"* * {_numbers({(day + shift) % 7 for day in days}, 0, 6)}"


def _monthly(schedule: Element) -> str:
    days_element, months_element = schedule.find("DaysOfMonth"), schedule.find("Months")
    days = [day.text.strip() for day in days_element.children] if days_element else []
    if any(day.lower() == "last" for day in days):
        raise Untranslatable(
            "it runs on the last day of a month, which cron cannot say",
            "run it on the days 28-31 and let the command check, or on the 1st of the next month",
        )
    if not days or not all(re.fullmatch("[0-9]{1,2}", day, re.ASCII) and 1 <= int(day) <= 31 for day in days):
        raise Untranslatable("it names no day of the month")
    months = (
        {_index(_MONTHS, child.name) + 1 for child in months_element.children} if months_element else set()
    )
    return f"{_numbers(map(int, days), 1, 31)} {_numbers(months or range(1, 13), 1, 12)} *"


def _index(names: Sequence[str], name: str) -> int:
    if name not in names:
        raise Untranslatable(f"{clip(name)} is not a day or a month")
    return names.index(name)


def _expressions(minutes: set[int], days: str) -> list[str]:
    """Cron expressions for minutes of the day: hours with the same minutes share one."""
    by_hour: dict[int, list[int]] = {}
    for minute in sorted(minutes):
        by_hour.setdefault(minute // 60, []).append(minute % 60)
    hours: dict[tuple[int, ...], list[int]] = {}
    for hour, past in by_hour.items():
        hours.setdefault(tuple(past), []).append(hour)
    if len(hours) > MAX_EXPRESSIONS:
        raise Untranslatable(
            "its times are too irregular for a schedule", "choose an interval that divides the hour"
        )
    return [f"{_numbers(past, 0, 59)} {_numbers(named, 0, 23)} {days}" for past, named in hours.items()]


def _numbers(numbers: Iterable[int], low: int, high: int) -> str:
    """A cron field: `*`, `*/15`, `9-17`, or the list."""
    values = sorted(set(numbers))
    if values == list(range(low, high + 1)):
        return "*"
    step = values[1] - values[0] if len(values) > 1 else 0
    if step > 1 and low == 0 and high in (59, 23) and values == list(range(0, high + 1, step)):
        return f"*/{step}"
    if len(values) > 2 and values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]}-{values[-1]}"
    return ",".join(map(str, values))
