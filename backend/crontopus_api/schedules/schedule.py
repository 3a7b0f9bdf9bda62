"""A job's whole schedule: one or more expressions in one timezone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from crontopus_api.schedules.cron import BLANKS, parse_cron, words
from crontopus_api.schedules.durations import clip, format_duration, parse_duration
from crontopus_api.schedules.errors import ScheduleInvalid
from crontopus_api.schedules.reading import read_cron
from crontopus_api.schedules.rules import CronRule, EveryRule
from crontopus_api.schedules.zones import load_zone

MAX_EXPRESSIONS = 16
_SHORTEST = timedelta(minutes=1)
_LONGEST = timedelta(days=366)
_NO_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job is expected to run. Slots are UTC instants; parsing is the only way to make one."""

    expressions: tuple[str, ...]
    timezone: str
    _rules: tuple[CronRule | EveryRule, ...]

    @classmethod
    def parse(cls, expressions: Sequence[str], timezone: str = _NO_ZONE) -> Schedule:
        """Read cron expressions, aliases and `every N`. Raises ScheduleInvalid at the first bad one."""
        zone = load_zone(timezone)
        if not expressions:
            raise ScheduleInvalid("empty", "a schedule needs at least one expression", "e.g. `0 2 * * *`")
        if len(expressions) > MAX_EXPRESSIONS:
            raise ScheduleInvalid("too_long", f"a schedule has at most {MAX_EXPRESSIONS} expressions")
        rules = []
        for index, expression in enumerate(expressions):
            try:
                rules.append(_parse_rule(expression, zone))
            except ScheduleInvalid as error:
                raise ScheduleInvalid(error.code, error.message, error.hint, index) from None
        return cls(tuple(" ".join(words(e)) for e in expressions), timezone, tuple(rules))

    @property
    def rules(self) -> tuple[CronRule | EveryRule, ...]:
        """One rule for each expression, for this package's own analyses."""
        return self._rules

    def anchored(self, last: datetime) -> Schedule:
        """The ping-mode reading: `every N` counts from `last`, the last accepted run; cron is unchanged."""
        anchor = _require_utc(last)
        return replace(
            self,
            _rules=tuple(
                EveryRule(rule.interval, anchor, after_anchor_only=True)
                if isinstance(rule, EveryRule)
                else rule
                for rule in self._rules
            ),
        )

    def next_after(self, instant: datetime) -> datetime | None:
        """The first slot strictly later than `instant`; None when there is none within 50 years."""
        moment = _require_utc(instant)
        return min((slot for rule in self._rules if (slot := rule.next_after(moment))), default=None)

    def previous_at_or_before(self, instant: datetime) -> datetime | None:
        """The last slot not later than `instant`; None when there is none within 50 years."""
        moment = _require_utc(instant)
        return max((slot for rule in self._rules if (slot := rule.at_or_before(moment))), default=None)

    def slots(self, start: datetime, end: datetime, limit: int | None = None) -> Iterator[datetime]:
        """The slots in [start, end), earliest first, each instant once, at most `limit`."""
        last, count = _require_utc(end), 0
        slot = self.next_after(_require_utc(start) - timedelta(microseconds=1))
        while slot is not None and slot < last and (limit is None or count < limit):
            yield slot
            count += 1
            slot = self.next_after(slot)

    def describe(self) -> str:
        """A plain-English reading, e.g. `At 02:00 on Mondays, in Europe/London`."""
        readings = [
            read_cron(rule.clock.fields)
            if isinstance(rule, CronRule)
            else f"Every {_in_words(rule.interval)}"
            for rule in self._rules
        ]
        first, *others = dict.fromkeys(readings)
        text = "; and ".join([first, *(other[0].lower() + other[1:] for other in others)])
        if all(isinstance(rule, EveryRule) for rule in self._rules):
            return text  # an interval is the same in every zone
        return f"{text}, in {self.timezone}"


@lru_cache(maxsize=4096)
def _parse_rule(expression: str, zone: ZoneInfo) -> CronRule | EveryRule:
    text = expression.strip(BLANKS)
    if not text:
        raise ScheduleInvalid("empty", "an empty schedule expression", "e.g. `0 2 * * *` or `every 15m`")
    if len(expression) > 256:
        raise ScheduleInvalid("too_long", "a schedule expression has at most 256 characters")
    word, _, rest = text.partition(" ")
    if word == "every":
        return EveryRule(_parse_interval(rest.strip(BLANKS)))
    if word.lower() == "every":
        raise ScheduleInvalid("bad_cron", f"{clip(text)} is not a schedule", "write `every` in lower case")
    return CronRule(parse_cron(text), zone)


def _parse_interval(text: str) -> timedelta:
    try:
        interval = parse_duration(text)
    except ScheduleInvalid as error:
        unit = re.fullmatch(r"(?:an?|one)?\s*(minute|hour|day|week)", text)
        hint = f"did you mean `every 1{unit[1][0]}`?" if unit else error.hint
        if hint and not unit:
            hint = hint.replace("did you mean `", "did you mean `every ")
        raise ScheduleInvalid("bad_interval", f"`every` needs a duration, not {clip(text)}", hint) from None
    if not _SHORTEST <= interval <= _LONGEST or interval % _SHORTEST:
        raise ScheduleInvalid(
            "bad_interval",
            f"`every {text}` is not whole minutes between 1m and 366d",
            "no scheduler fires more often than once a minute",
        )
    return interval


def _in_words(interval: timedelta) -> str:
    names = {"d": "day", "h": "hour", "m": "minute"}
    parts = [(int(n), names[u]) for n, u in re.findall(r"(\d+)([dhm])", format_duration(interval))]
    if len(parts) == 1 and parts[0][0] == 1:
        return parts[0][1]
    return " ".join(f"{count} {name}{'s' * (count != 1)}" for count, name in parts)


def _require_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("schedules need timezone-aware instants")
    return instant.astimezone(UTC)
