"""Debian's cron, minute by minute: the oracle the schedule vectors are checked against.

A transcription of the main loop of cron 3.0pl1 (cron.c, `timeDiff` and the four kinds of waking up) and of
its field rules (entry.c). It shares no code with the product and is far too slow for it: it looks at every
minute. Zones come from the standard library, not from the product's loader.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_THREE_HOURS = 180
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - cron counts minutes of local time


def _bits(text: str, low: int, high: int, names: list[str], first: int) -> set[int]:
    def number(word: str) -> int:
        return names.index(word.lower()) + first if word.lower() in names else int(word)

    bits: set[int] = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        if span == "*":
            start, stop = low, high
        elif "-" in span:
            start, stop = (number(word) for word in span.split("-"))
        else:
            start = stop = number(span)
        bits |= set(range(start, stop + 1, int(step or 1)))
    return bits


class Entry:
    """One crontab line's time fields."""

    def __init__(self, expression: str) -> None:
        minute, hour, dom, month, dow = _ALIASES.get(expression, expression).split()
        self.minute = _bits(minute, 0, 59, [], 0)
        self.hour = _bits(hour, 0, 23, [], 0)
        self.dom = _bits(dom, 1, 31, [], 0)
        self.month = _bits(month, 1, 12, _MONTHS, 1)
        dow_bits = _bits(dow, 0, 7, _DAYS, 0)
        self.dow = {day % 7 for day in dow_bits}
        self.day_star = dom.startswith("*") or dow.startswith("*")
        self.wild = minute.startswith("*") or hour.startswith("*")

    def matches(self, wall_minutes: int) -> bool:
        hour, minute = divmod(wall_minutes % 1440, 60)
        if minute not in self.minute or hour not in self.hour:
            return False
        wall = _EPOCH + timedelta(minutes=wall_minutes)
        if wall.month not in self.month:
            return False
        by_dom, by_dow = wall.day in self.dom, wall.isoweekday() % 7 in self.dow
        return (by_dom and by_dow) if self.day_star else (by_dom or by_dow)


def _wall_minutes(zone: ZoneInfo, instant: datetime) -> int:
    wall = instant.astimezone(zone).replace(tzinfo=None)
    return int((wall - _EPOCH).total_seconds() // 60)


def firings(expression: str, timezone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """The minutes in (after, until] at which cron would start the job."""
    entry, zone = Entry(expression), ZoneInfo(timezone)
    # Start before any jump that could still matter, so that cron's virtual clock is right at `after`.
    clock = after.astimezone(UTC).replace(second=0, microsecond=0) - timedelta(hours=8)
    virtual = _wall_minutes(zone, clock)
    while clock < until:
        clock += timedelta(minutes=1)
        running = _wall_minutes(zone, clock)
        fired, virtual = _wake(entry, virtual, running)
        if fired and after < clock <= until:
            yield clock


def _wake(entry: Entry, virtual: int, running: int) -> tuple[bool, int]:
    behind = running - virtual
    if behind == 1:
        return entry.matches(running), running
    if -_THREE_HOURS < behind <= 0:  # the clock went back: only wildcard jobs, until it has caught up
        return entry.wild and entry.matches(running), virtual
    if 0 < behind <= 5:  # woke up late
        return any(entry.matches(minute) for minute in range(virtual + 1, running + 1)), running
    if 5 < behind <= _THREE_HOURS:  # the clock went forward: wildcard jobs now, the skipped others as well
        fired = entry.wild and entry.matches(running)
        skipped = range(virtual + 1, running + 1)
        fired = fired or (not entry.wild and any(entry.matches(minute) for minute in skipped))
        return fired, running
    return entry.matches(running), running  # a correction of the clock


def next_firings(expressions: list[str], timezone: str, after: datetime, count: int) -> list[datetime]:
    """The first `count` firings of a list of expressions, looking as far as ten years ahead."""
    window = timedelta(days=2)
    while window < timedelta(days=3700):
        found = sorted({t for e in expressions for t in firings(e, timezone, after, after + window)})
        if len(found) >= count:
            return found[:count]
        window *= 4
    raise AssertionError(f"{expressions} fires fewer than {count} times in ten years")
