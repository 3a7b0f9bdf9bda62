"""Values of foreign messages, made fit to be kept: what is too long is cut, what makes no sense is left out."""

import math
import re
from collections.abc import Iterable
from uuid import UUID, uuid5

from crontopus_api.checkins.doors.names import UUID_PATTERN

# Any fixed UUID will do: run ids that are no UUIDs become ones in it.
_RUN_IDS = UUID("3bd5d3b1-5a0e-4d6a-9a7e-1f6f0c0f5c11")
_HEX = re.compile(r"[0-9a-fA-F]{32}")
_LONGEST_SECONDS = 366 * 86_400
_MOST_METRICS = 32
_METRIC_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,63}")
MESSAGE_LENGTH = 2000
NAME_LENGTH = 255


def words(value: object, limit: int = NAME_LENGTH) -> str | None:
    """Text that the database can hold; None when there is none."""
    if not isinstance(value, str) or not value:
        return None
    # A lone surrogate (JSON can spell one) has no bytes, and PostgreSQL keeps no NUL.
    return value[:limit].replace("\x00", "\ufffd").encode(errors="replace").decode()


def run_key(value: object) -> UUID | None:
    """A sender's run id as a UUID, whatever it looks like."""
    if not isinstance(value, str) or not value:
        return None
    if UUID_PATTERN.fullmatch(value) or _HEX.fullmatch(value):
        return UUID(value)
    return uuid5(_RUN_IDS, words(value, 4096) or "")


def number(value: object) -> float | None:
    """A finite number, also when it is written as text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def milliseconds(seconds: object) -> int | None:
    found = number(seconds)
    return round(found * 1000) if found is not None and 0 <= found <= _LONGEST_SECONDS else None


def exit_code(value: object) -> int | None:
    found = number(value)
    return int(found) if found is not None and found.is_integer() and abs(found) < 2**31 else None


def metrics(pairs: Iterable[str]) -> dict[str, float] | None:
    """`name:value` or `name=value`, as Cronitor has them; a name may have colons of its own."""
    found: dict[str, float] = {}
    for pair in pairs:
        name, separator, value = pair.rpartition("=" if "=" in pair else ":")
        measured = number(value)
        name = name.strip()
        if separator and measured is not None and _METRIC_NAME.fullmatch(name) and len(found) < _MOST_METRICS:
            found[name] = measured
    return found or None
