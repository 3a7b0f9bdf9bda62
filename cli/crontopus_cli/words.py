"""Times, durations and other values of the API as short words, and people's durations as seconds."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from crontopus_cli.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:\d+[smhdw])+")
_DURATION_PART = re.compile(r"(\d+)([smhdw])")


def now() -> datetime:
    return datetime.now(UTC)


def seconds_of(text: str) -> int:
    """`90s`, `10m`, `1h30m`, `7d` or plain seconds → seconds."""
    value = text.strip().lower()
    if value.isdecimal():
        return int(value)
    if not _DURATION.fullmatch(value):
        raise UsageError(f"{text!r} is not a duration", "write it like 90s, 10m, 1h30m or 7d")
    return sum(int(count) * _UNITS[unit] for count, unit in _DURATION_PART.findall(value))


def instant_of(text: str, *, ahead: bool = False) -> str:
    """An instant for the API: RFC 3339, `YYYY-MM-DD` (local midnight), or a duration (that long ago, or `ahead`)."""
    value = text.strip()
    if _DURATION.fullmatch(value.lower()):
        distance = timedelta(seconds=seconds_of(value))
        return _wire(now() + distance if ahead else now() - distance)
    try:
        return _wire(datetime.fromisoformat(value).astimezone(UTC))
    except ValueError as error:
        raise UsageError(
            f"{text!r} is not a time",
            f"write it like 2h ({'from now' if ahead else 'ago'}), 2026-11-22 or 2026-11-22T06:00:00Z",
        ) from error


def ago(instant: str | None) -> str:
    """`3m ago`, `in 5h`, `-` for none."""
    if not instant:
        return ""
    distance = (datetime.fromisoformat(instant) - now()).total_seconds()
    if abs(distance) < 1:
        return "now"
    return f"in {span(distance)}" if distance > 0 else f"{span(-distance)} ago"


def moment(instant: str | None) -> str:
    """Local time and how far away it is, for pages about one thing."""
    if not instant:
        return ""
    local = datetime.fromisoformat(instant).astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S %Z} ({ago(instant)})"


def ends(tenant: dict[str, Any]) -> str:
    """When a deleted tenant goes; empty for one that stays."""
    return f"ends {moment(tenant['delete_at'])}" if tenant.get("delete_at") else ""


def amount(value: int | None, unit: str) -> str:
    """A quantity of `usage`."""
    if value is None:
        return ""
    if unit == "bytes":
        return size(value)
    return {"days": f"{value} d", "per_minute": f"{value}/min"}.get(unit, str(value))


def size(count: int) -> str:
    """`512 B`, `1.5 MB`: powers of 1000, as disks are sold."""
    value, units = float(count), ("B", "kB", "MB", "GB", "TB")
    for unit in units:
        if value < 999.5 or unit == units[-1]:
            break
        value /= 1000
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


def wall(local: str) -> str:
    """An instant with its offset as people write it: `Mon 2026-11-23 05:30+00:00`."""
    at = datetime.fromisoformat(local)
    return f"{at:%a} {at.isoformat(' ', 'seconds' if at.second else 'minutes')}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 job`, `2 jobs`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def span(seconds: float | None) -> str:
    """One or two units: `0.3s`, `42s`, `3m20s`, `5h`, `12d`."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 600 and whole % 60:
        return f"{whole // 60}m{whole % 60}s"
    for unit in ("d", "h", "m"):
        if whole >= 2 * _UNITS[unit] or unit == "m":
            return f"{whole // _UNITS[unit]}{unit}"
    return ""


def job_address(job: dict[str, Any] | None) -> str:
    return f"{job['namespace']}/{job['name']}" if job else ""


def named(thing: dict[str, Any] | None) -> str:
    return str(thing["name"]) if thing else ""


def job_match(match: dict[str, Any] | None) -> str:
    """Which jobs a route or window is about."""
    found = [f"{name}/*" for name in (match or {}).get("namespaces", [])]
    found += [labels((match or {}).get("matchLabels"))]
    return ", ".join(part for part in found if part) or "all jobs"


def labels(pairs: dict[str, str] | None) -> str:
    return ", ".join(f"{key}={value}" for key, value in (pairs or {}).items())


def _wire(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
