"""The native schedulers as their manuals describe them: at which minutes of a stretch of time they start a job.

Written from cron(8), launchd.plist(5) and the reference of the task schema, sharing nothing with the agent that writes
their entries. What the manuals leave open at a jump of the clock is read in the plainest way; the agent's own tests
try the other ways.
"""

from __future__ import annotations

import plistlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from .debian_cron import Entry, firings

Span = tuple[datetime, datetime]
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clocks have no zone


@lru_cache(maxsize=64)
def walls(machine: str, span: Span) -> list[tuple[datetime, datetime]]:
    """Every minute of a span with what the machine's clock shows then."""
    zone = ZoneInfo(machine)
    out = []
    at = span[0]
    while at < span[1]:
        out.append((at, at.astimezone(zone).replace(tzinfo=None)))
        at += _MINUTE
    return out


def cron(make: str, lines: list[str], machine: str, span: Span) -> Iterator[datetime]:
    for line in lines:
        if make in {"debian", "cronie"}:
            yield from firings(line, machine, span[0] - _MINUTE, span[1] - _MINUTE)
            continue
        entry = Entry(line)
        if make == "busybox":
            assert "7" not in line.split()[4], "busybox knows no 7 for Sunday"
            entry.day_star = len(entry.dom) == 31 or len(entry.dow) == 7
        for at, wall in walls(machine, span):
            if entry.matches(int((wall - _EPOCH).total_seconds() // 60)):
                yield at


def launchd(intervals: list[str], machine: str, span: Span) -> Iterator[datetime]:
    by_minute: dict[Any, list[dict[str, int]]] = defaultdict(list)
    for text in intervals:
        interval = plistlib.loads(f"<plist>{text}</plist>".encode(), fmt=plistlib.FMT_XML)
        check_interval(interval)
        by_minute[interval.get("Minute")].append(interval)
    for at, wall in walls(machine, span):
        for interval in by_minute[wall.minute] + by_minute[None]:
            if _launchd_matches(interval, wall):
                yield at


def check_interval(interval: dict[str, int]) -> None:
    limits = {"Minute": (0, 59), "Hour": (0, 23), "Day": (1, 31), "Weekday": (0, 7), "Month": (1, 12)}
    assert interval
    for key, value in interval.items():
        assert type(value) is int
        assert limits[key][0] <= value <= limits[key][1], interval


def _launchd_matches(interval: dict[str, int], wall: datetime) -> bool:
    day, weekday = interval.get("Day"), interval.get("Weekday")
    on_day = (day is None and weekday is None) or day == wall.day
    on_day = on_day or (weekday is not None and weekday % 7 == wall.isoweekday() % 7)
    return (
        on_day
        and interval.get("Hour", wall.hour) == wall.hour
        and interval.get("Month", wall.month) == wall.month
    )


def schtasks(triggers: list[str], machine: str, span: Span) -> Iterator[datetime]:
    assert 0 < len(triggers) <= 48
    for text in triggers:
        # Vectors of our own repository.
        trigger = ElementTree.fromstring(text)
        assert trigger.findtext("Enabled") == "true"
        boundary = str(trigger.findtext("StartBoundary"))
        start = datetime.fromisoformat(boundary.removesuffix("Z"))
        step = _duration(trigger.findtext("Repetition/Interval"))
        if trigger.tag == "TimeTrigger":
            assert boundary.endswith("Z")
            assert step
            yield from _repeated(start.replace(tzinfo=UTC), step, span)
            continue
        assert not boundary.endswith("Z")
        last = _duration(trigger.findtext("Repetition/Duration")) or timedelta(0)
        times = {(start + k * (step or _MINUTE)).time() for k in range(1440) if k * (step or _MINUTE) <= last}
        for at, wall in walls(machine, span):
            if wall.time() in times and _on_day(trigger, wall.date()):
                yield at


def _repeated(start: datetime, step: timedelta, span: Span) -> Iterator[datetime]:
    at = start + max(0, -((start - span[0]) // step)) * step
    while at < span[1]:
        if at >= span[0]:
            yield at
        at += step


def _on_day(trigger: ElementTree.Element, day: date) -> bool:
    if trigger.findtext("ScheduleByDay/DaysInterval") == "1":
        return True
    if trigger.findtext("ScheduleByWeek/WeeksInterval") == "1":
        return trigger.find(f"ScheduleByWeek/DaysOfWeek/{day:%A}") is not None
    days = {found.text for found in trigger.iterfind("ScheduleByMonth/DaysOfMonth/Day")}
    return str(day.day) in days and trigger.find(f"ScheduleByMonth/Months/{day:%B}") is not None


def _duration(text: str | None) -> timedelta | None:
    if text is None:
        return None
    days, _, clock = text.removeprefix("P").partition("T")
    total = timedelta(days=int(days.removesuffix("D") or 0))
    for unit, size in (("H", timedelta(hours=1)), ("M", _MINUTE), ("S", timedelta(seconds=1))):
        if unit in clock:
            count, _, clock = clock.partition(unit)
            total += int(count) * size
    assert not clock, text
    return total
