"""Timezones from the pinned `tzdata` package, and where their clocks jump.

The machine's own /usr/share/zoneinfo is never read: every process must agree on the same rules.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import tzdata

from crontopus_api.schedules.durations import clip
from crontopus_api.schedules.errors import ScheduleInvalid

TZDATA_VERSION: str = tzdata.IANA_VERSION
"""The IANA release every slot is computed with, e.g. `2026b`."""

_NOT_PLACES = frozenset({"Factory"})
# What people type that no zone database lists.
_COMMON_MISTAKES = {
    "z": "UTC",
    "utc+0": "UTC",
    "local": "UTC",
    "localtime": "UTC",
    "pst": "America/Los_Angeles",
    "pdt": "America/Los_Angeles",
    "cst": "America/Chicago",
    "cdt": "America/Chicago",
    "edt": "America/New_York",
    "bst": "Europe/London",
    "cest": "Europe/Berlin",
    "ist": "Asia/Kolkata",
    "jst": "Asia/Tokyo",
    "aest": "Australia/Sydney",
}


@dataclass(frozen=True, slots=True)
class Jump:
    """One change of a zone's UTC offset, at `at` (UTC)."""

    at: datetime
    before: timedelta
    after: timedelta

    @property
    def width(self) -> timedelta:
        """How far the wall clock moves: positive skips wall time, negative repeats it."""
        return self.after - self.before


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every timezone name a schedule may use."""
    text = resources.files("tzdata").joinpath("zones").read_text(encoding="ascii")
    return frozenset(text.split()) - _NOT_PLACES


@lru_cache(maxsize=1024)
def load_zone(name: str) -> ZoneInfo:
    """The zone of that exact IANA name. Raises ScheduleInvalid(`unknown_timezone`) with the nearest name."""
    if name not in zone_names():
        raise ScheduleInvalid("unknown_timezone", f"unknown timezone {clip(name)}", _suggest(name))
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def offset_at(zone: ZoneInfo, instant: datetime) -> timedelta:
    """The zone's UTC offset at a UTC instant."""
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None  # a ZoneInfo always has one
    return offset


def next_jump(zone: ZoneInfo, after: datetime, until: datetime) -> Jump | None:
    """The first jump in (after, until]."""
    for year in range(after.year, until.year + 1):
        for jump in _jumps_in_year(zone, year):
            if after < jump.at <= until:
                return jump
    return None


def last_jump(zone: ZoneInfo, instant: datetime, within: timedelta) -> Jump | None:
    """The latest jump in [instant - within, instant]."""
    earliest = instant - within
    found = None
    for year in range(earliest.year, instant.year + 1):
        for jump in _jumps_in_year(zone, year):
            if earliest <= jump.at <= instant:
                found = jump
    return found


@lru_cache(maxsize=8192)
def _jumps_in_year(zone: ZoneInfo, year: int) -> tuple[Jump, ...]:
    return tuple(_find_jumps(zone, datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)))


def _find_jumps(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Jump]:
    # zoneinfo does not expose its transitions, so look once a day: no zone has two within one day.
    known, offset = start - timedelta(seconds=1), offset_at(zone, start - timedelta(seconds=1))
    while known < end - timedelta(seconds=1):
        probe = min(known + timedelta(days=1), end - timedelta(seconds=1))
        new_offset = offset_at(zone, probe)
        if new_offset != offset:
            yield Jump(_bisect(zone, known, probe, offset), offset, new_offset)
        known, offset = probe, new_offset


def _bisect(zone: ZoneInfo, low: datetime, high: datetime, before: timedelta) -> datetime:
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if offset_at(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high


def _suggest(name: str) -> str:
    wanted = name.strip().lower()
    if wanted in _COMMON_MISTAKES:
        return f"did you mean `{_COMMON_MISTAKES[wanted]}`?"
    by_lower = {zone.lower(): zone for zone in sorted(zone_names())}
    spaced = wanted.replace(" ", "_")
    if spaced in by_lower:
        return f"did you mean `{by_lower[spaced]}`?"
    by_city = {lower.rsplit("/", 1)[-1]: zone for lower, zone in by_lower.items()}
    if spaced in by_city:
        return f"did you mean `{by_city[spaced]}`?"
    near = difflib.get_close_matches(spaced[:64], by_lower, n=1, cutoff=0.7)
    if near:
        return f"did you mean `{by_lower[near[0]]}`?"
    return "use an IANA name such as `Europe/London` or `UTC`"
