"""Sentry's `monitor_config`: the job that is made when there is none of that name."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crontopus_api.checkins.pending.wishes import JobWish
from crontopus_api.kit.errors import Invalid
from crontopus_api.schedules import format_duration

# An interval counts from the last run. Of months and years the longest: too early would be a false alarm.
_MINUTES = {"minute": 1, "hour": 60, "day": 1440, "week": 10_080, "month": 31 * 1440, "year": 366 * 1440}
_MOST = 10**6


def wish_of(config: Mapping[str, Any]) -> JobWish:
    """Raises Invalid. Margin and longest runtime are in minutes there."""
    return JobWish(
        schedule=_schedule(config.get("schedule")),
        timezone=_text(config, "timezone"),
        grace=_minutes(config, "checkin_margin"),
        timeout=_minutes(config, "max_runtime"),
        failure_threshold=_count(config, "failure_issue_threshold"),
        recovery_threshold=_count(config, "recovery_threshold"),
    )


def _schedule(schedule: object) -> str:
    if isinstance(schedule, Mapping):
        value, unit = schedule.get("value"), schedule.get("unit")
        if schedule.get("type") == "crontab" and isinstance(value, str):
            return value
        minutes = _MINUTES.get(unit) if isinstance(unit, str) else None
        if schedule.get("type") == "interval" and minutes and isinstance(value, int) and _is_count(value):
            return f"every {format_duration(timedelta(minutes=value * minutes))}"
    raise Invalid("monitor_config.schedule must be a crontab, or an interval with a value and a unit")


def _minutes(config: Mapping[str, Any], name: str) -> str | None:
    count = _count(config, name)
    return f"{count}m" if count is not None else None


def _count(config: Mapping[str, Any], name: str) -> int | None:
    """Zero, as SDKs send it for what is not set, is not set."""
    value = config.get(name)
    if value is None or value == 0:
        return None
    if not _is_count(value):
        raise Invalid(f"monitor_config.{name} must be a whole number")
    return int(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST


def _text(config: Mapping[str, Any], name: str) -> str | None:
    value = config.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid(f"monitor_config.{name} must be text")
    return value or None
