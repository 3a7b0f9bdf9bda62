"""One cron expression: its strict grammar, and its matches on a wall clock that never jumps.

The grammar is what Debian's cron accepts, less two things that do not mean what they seem to: a step larger
than the field (`*/90` minutes runs hourly) and a step on a single number (`5/15`, refused by Debian too).

cronsim evaluates the fields, with two precautions. Clock changes are the business of rules.py, since cronsim
loses slots where the clock jumps by half an hour (`*/15 3 * * *` in Australia/Lord_Howe). And stepped ranges
are handed to it written out, because it reads `3-3/2` as if it were `3-23/2`.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from cronsim import CronSim, CronSimError

from crontopus_api.schedules.durations import clip
from crontopus_api.schedules.errors import ScheduleInvalid

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}

BLANKS = " \t\n\r\f\v"

_MONTHS = {
    month: number
    for number, month in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_DAYS = {day: number for number, day in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_LONGEST_MONTH = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TERM = re.compile(r"(?P<star>\*)|(?P<low>[0-9a-z]+)(?:-(?P<high>[0-9a-z]+))?", re.ASCII)
_ANCHOR = datetime(2000, 1, 1)  # noqa: DTZ001 - wall-clock time has no zone on purpose


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    words: dict[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day-of-month", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _Field("day-of-week", 0, 7, _DAYS),
)


@dataclass(frozen=True, slots=True)
class Fields:
    """What one expression names; Sunday is 0. `either_day`: a day that either day field names will do."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @property
    def reachable(self) -> bool:
        """Whether one of the months has one of the days of the month."""
        return min(self.days) <= max(_LONGEST_MONTH[month] for month in self.months)


class WallClock:
    """The matches of one expression among naive wall-clock datetimes."""

    __slots__ = ("_sim", "fields", "text", "wildcard")

    def __init__(self, text: str, spelled_out: str, fields: Fields) -> None:
        self.text = text
        self.fields = fields
        minute, hour = text.split()[:2]
        # Debian's MIN_STAR and HR_STAR flags: only the first character of the field counts.
        self.wildcard = minute.startswith("*") or hour.startswith("*")
        try:
            self._sim = CronSim(spelled_out, _ANCHOR)
        except CronSimError as error:  # our own grammar is stricter, so only "no such day" can get here
            raise _never(text) from error

    def after(self, wall: datetime) -> datetime | None:
        """The first match later than `wall`; None when there is none within 50 years."""
        return self._step(wall.replace(microsecond=0), 1)

    def at_or_before(self, wall: datetime) -> datetime | None:
        """The last match not later than `wall`; None when there is none within 50 years."""
        return self._step(wall.replace(microsecond=0) + timedelta(seconds=1), -1)

    def _step(self, wall: datetime, direction: int) -> datetime | None:
        sim = copy.copy(self._sim)  # parsing is the expensive part; the copy shares the parsed sets
        sim.dt, sim.tick_direction = wall, direction
        try:
            return next(sim)
        except (StopIteration, OverflowError, ValueError):  # 50 years without a match, or the calendar's end
            return None


def words(text: str) -> list[str]:
    """The parts of an expression, split at what separates them for cron: not at every blank of Unicode."""
    return [word for word in re.split(f"[{BLANKS}]+", text) if word]


def parse_cron(expression: str) -> WallClock:
    """Read a five-field expression or an alias. Raises ScheduleInvalid."""
    text = expression.strip(BLANKS)
    if text.startswith("@"):
        text = _expand_alias(text)
    parts = words(text)
    if len(parts) != 5:
        raise _wrong_count(expression, parts)
    checked = [_check_field(field, part.lower()) for field, part in zip(_FIELDS, parts, strict=True)]
    minutes, hours, days, months, weekdays = (frozenset(values) for values, _ in checked)
    either_day = not (parts[2].startswith("*") or parts[4].startswith("*"))
    fields = Fields(minutes, hours, days, months, frozenset(day % 7 for day in weekdays), either_day)
    if not either_day and not fields.reachable:
        raise _never(" ".join(parts))
    return WallClock(" ".join(parts), " ".join(spelled for _, spelled in checked), fields)


def _expand_alias(text: str) -> str:
    if text in ALIASES:
        return ALIASES[text]
    if text.lower() == "@reboot":
        raise ScheduleInvalid(
            "reboot_not_supported",
            "`@reboot` has no time at which a run could be expected, so a missed one could never be noticed",
            "give the job a time, or leave it to the machine's own start-up and report it in ping mode",
        )
    hint = "the aliases are " + " ".join(ALIASES)
    if text.lower() in ALIASES:
        hint = f"did you mean `{text.lower()}`?"
    elif text.lower().startswith("@every"):
        hint = f"did you mean `every {text[6:].strip()[:20] or '15m'}`?"
    raise ScheduleInvalid("unknown_alias", f"unknown schedule alias {clip(text)}", hint)


def _wrong_count(expression: str, parts: list[str]) -> ScheduleInvalid:
    if len(parts) in (6, 7):
        hint = "no seconds or year: five fields are minute hour day-of-month month day-of-week"
    else:
        hint = "five fields: minute hour day-of-month month day-of-week, e.g. `0 2 * * *`, or `every 15m`"
    return ScheduleInvalid(
        "bad_cron", f"{clip(expression)} has {len(parts)} field{'s' * (len(parts) != 1)}, not 5", hint
    )


def _check_field(field: _Field, text: str) -> tuple[set[int], str]:
    """The field's values, and its text with stepped ranges written out; a leading `*` stays, as it counts."""
    values: set[int] = set()
    spelled = []
    for term in text.split(","):
        matches = _check_term(field, term, text)
        values |= matches
        stepped_range = "/" in term and not term.startswith("*")
        spelled.append(",".join(map(str, sorted(matches))) if stepped_range else term)
    return values, ",".join(spelled)


def _check_term(field: _Field, term: str, whole: str) -> set[int]:
    base, slash, step_text = term.partition("/")
    match = _TERM.fullmatch(base)
    if match is None:
        raise _bad(field, whole, _syntax_hint(field, term))
    if match["star"]:
        low, high = field.low, field.high
    else:
        low = _number(field, match["low"], whole)
        high = _number(field, match["high"], whole) if match["high"] else low
    if high < low:
        raise _bad(field, whole, _backwards_hint(field, low, high))
    if not slash:
        return set(range(low, high + 1))
    if not match["star"] and not match["high"]:
        raise _bad(field, whole, f"a step needs a range: `{low}-{field.high}/{step_text[:4]}`")
    return set(range(low, high + 1, _step_of(field, step_text, whole)))


def _step_of(field: _Field, text: str, whole: str) -> int:
    if not re.fullmatch("[0-9]{1,4}", text, re.ASCII) or int(text) == 0:
        raise _bad(field, whole, "the step after `/` is a number from 1")
    step = int(text)
    if step > field.high:
        hint = f"a step counts within one {field.name} field; the largest is {field.high}"
        if field.name == "minute":
            hint += f"; did you mean `every {step}m`?"
        raise _bad(field, whole, hint)
    return step


def _number(field: _Field, text: str, whole: str) -> int:
    if text in field.words:
        return field.words[text]
    if not re.fullmatch("[0-9]{1,4}", text, re.ASCII):
        raise _bad(field, whole, _syntax_hint(field, text))
    value = int(text)
    if not field.low <= value <= field.high:
        raise _bad(field, whole, f"{field.name} goes from {field.low} to {field.high}")
    return value


def _syntax_hint(field: _Field, term: str) -> str:
    if "?" in term:
        return "write `*` for any"
    if field.name == "day-of-month" and re.fullmatch(r"l|lw|w|[0-9]+w", term):
        return "`L` and `W` are not cron; for the last day list the days 28-31 and let the command check"
    if field.name == "day-of-week" and ("#" in term or term.endswith("l")):
        return "`#` and `L` are not cron; use the day of the week and let the command check the date"
    for word, value in field.words.items():
        if term.startswith(word):
            return f"did you mean `{word}` ({value})?"
    if "~" in term:
        return "random ranges are not supported; use `spec.jitter`"
    allowed = f"{field.low}-{field.high}"
    words = f" or {'-'.join((next(iter(field.words)), list(field.words)[-1]))}" if field.words else ""
    return f"{field.name} takes {allowed}{words}, `*`, ranges `a-b`, steps `*/n` and lists `a,b`"


def _backwards_hint(field: _Field, low: int, high: int) -> str:
    if field.name == "day-of-week" and high == 0:
        return f"Sunday is also 7: `{low}-7`"
    return f"the range runs backwards; did you mean `{low}-{field.high},{field.low}-{high}`?"


def _bad(field: _Field, whole: str, hint: str) -> ScheduleInvalid:
    return ScheduleInvalid("bad_cron", f"bad {field.name} field {clip(whole)}", hint)


def _never(text: str) -> ScheduleInvalid:
    return ScheduleInvalid(
        "never_fires",
        f"{clip(text)} never fires: no month it names has that day",
        "check the day-of-month and month fields",
    )
