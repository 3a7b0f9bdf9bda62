"""Schedules: cron, aliases and `every N` as slots in time. Pure: no I/O beyond the packaged tzdata."""

from crontopus_api.schedules.calendar import ClockChange, clock_changes
from crontopus_api.schedules.cron import ALIASES
from crontopus_api.schedules.durations import DURATION_PATTERN, format_duration, parse_duration
from crontopus_api.schedules.errors import ScheduleInvalid
from crontopus_api.schedules.schedule import MAX_EXPRESSIONS, Schedule
from crontopus_api.schedules.zones import TZDATA_VERSION, zone_names

__all__ = [
    "ALIASES",
    "DURATION_PATTERN",
    "MAX_EXPRESSIONS",
    "TZDATA_VERSION",
    "ClockChange",
    "Schedule",
    "ScheduleInvalid",
    "clock_changes",
    "format_duration",
    "parse_duration",
    "zone_names",
]
