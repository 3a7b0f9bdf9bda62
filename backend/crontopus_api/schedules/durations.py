"""Durations as manifests write them: `90s`, `10m`, `1h30m`, `2d`."""

from __future__ import annotations

import re
from datetime import timedelta

from crontopus_api.schedules.errors import ScheduleInvalid

# The same pattern stands in contract/manifest/v1.schema.json (`$defs/duration`). Units come largest first,
# each at most once; the length rule there keeps the empty string out.
DURATION_PATTERN = r"^([0-9]{1,6}w)?([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,9}s)?$"
_DURATION = re.compile(DURATION_PATTERN.removesuffix("$") + r"\Z", re.ASCII)
_UNIT_SECONDS = (("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_LONGEST_SECONDS = 10 * 366 * 86_400


def parse_duration(text: str) -> timedelta:
    """Read `10m`, `1h30m`, `2d`… Raises ScheduleInvalid(`bad_duration`)."""
    match = _DURATION.match(text)
    if not text or match is None:
        raise ScheduleInvalid("bad_duration", f"{clip(text)} is not a duration", _hint(text))
    seconds = sum(
        int(group[:-1]) * size
        for group, (_, size) in zip(match.groups(), _UNIT_SECONDS, strict=True)
        if group
    )
    if seconds > _LONGEST_SECONDS:
        raise ScheduleInvalid("bad_duration", f"{clip(text)} is longer than ten years", None)
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """Write a duration of whole seconds the way `parse_duration` reads it: `1h30m`, `1d`, `0s`."""
    seconds = duration.days * 86_400 + duration.seconds
    if duration.microseconds or seconds < 0:
        raise ValueError(f"not a whole, non-negative number of seconds: {duration!r}")
    parts = []
    for unit, size in _UNIT_SECONDS[1:]:  # weeks are read, never written: 7d is plainer than 1w
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def clip(text: str, limit: int = 60) -> str:
    """Quote a user's text for a message without letting it flood the message."""
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return "`" + "".join(c if c.isprintable() else "\ufffd" for c in shown) + "`"


def _hint(text: str) -> str:
    cleaned = text.strip().lower()
    if re.fullmatch(r"[0-9]+", cleaned, re.ASCII):
        return f"add a unit: `{cleaned[:9]}s`, `{cleaned[:9]}m` or `{cleaned[:9]}h`"
    words = re.fullmatch(r"([0-9]{1,6})\s*(w|d|h|m|s)[a-z]*", cleaned, re.ASCII)
    if words and words.group(0)[-2:] != "ms":
        return f"did you mean `{words.group(1)}{words.group(2)}`?"
    return "write numbers with units w, d, h, m, s, largest first: `10m`, `1h30m`"
