"""What is expected of an instance: when it should run, and what counts as going wrong.

Kept as JSON with the instance, so that the status engine needs neither Git nor the manifest. The engine asks
for slots at every check-in, so what depends on the schedule alone is remembered.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from crontopus_api.jobs.windows import Window
from crontopus_api.manifests import JobManifest
from crontopus_api.schedules import Schedule
from crontopus_api.schedules.rules import EveryRule

# However short the grace: clocks are off by seconds.
LEAST_TOLERANCE = timedelta(minutes=1)
# A search for a slot outside every window ends somewhere; a slot found inside one is passed over at its deadline.
_MOST_PASSED_OVER = 16
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Expectation:
    mode: Literal["agent", "ping"]
    schedule: tuple[str, ...]
    timezone: str
    grace_seconds: int
    timeout_seconds: int | None
    failure_threshold: int
    recovery_threshold: int
    severity: str
    paused: bool
    concurrency: Literal["allow", "forbid", "replace"] = "allow"
    windows: tuple[Window, ...] = ()
    capture: Literal["headtail", "head", "tail", "none"] = "headtail"
    output_bytes: int = 64 * 1024
    redact: tuple[str, ...] = ()

    @classmethod
    def of(cls, manifest: JobManifest, windows: Iterable[Window] = ()) -> "Expectation":
        """`windows`: those that are about the job."""
        spec = manifest.spec
        return cls(
            mode=manifest.mode,
            schedule=spec.schedule,
            timezone=spec.timezone,
            grace_seconds=int(spec.grace.total_seconds()),
            timeout_seconds=int(spec.timeout.total_seconds()) if spec.timeout else None,
            failure_threshold=spec.alerts.failure_threshold,
            recovery_threshold=spec.alerts.recovery_threshold,
            severity=spec.alerts.severity,
            paused=spec.paused or not spec.enabled,
            concurrency=spec.concurrency,
            windows=tuple(windows),
            capture=spec.output.capture,
            output_bytes=spec.output.max_bytes,
            redact=spec.output.redact,
        )

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Expectation":
        windows = tuple(Window(**window) for window in data.get("windows", ()))
        texts = {name: tuple(data.get(name, ())) for name in ("schedule", "redact")}
        return cls(**{**data, **texts, "windows": windows})

    def to_json(self) -> dict[str, Any]:
        data = {name: getattr(self, name) for name in self.__slots__}
        windows = [window.to_json() for window in self.windows]
        return {**data, "schedule": list(self.schedule), "redact": list(self.redact), "windows": windows}

    @property
    def grace(self) -> timedelta:
        return timedelta(seconds=self.grace_seconds)

    @property
    def from_last_run(self) -> bool:
        """Whether what is due counts from the last run alone: `every N` in ping mode."""
        return self.mode == "ping" and not _parts(self.schedule, self.timezone).crons

    @property
    def partly_from_last_run(self) -> bool:
        return self.mode == "ping" and bool(_parts(self.schedule, self.timezone).intervals)

    def same_slots(self, other: "Expectation") -> bool:
        """Whether slots are where they were, but for windows."""
        mine = (self.mode, self.schedule, self.timezone)
        return mine == (other.mode, other.schedule, other.timezone)

    def same_timing(self, other: "Expectation") -> bool:
        """Whether the same slots are expected, so that what is due stays due."""
        same = (self.paused, self.windows) == (other.paused, other.windows)
        return same and self.same_slots(other)

    def next_due(self, after: datetime, last_accepted: datetime | None) -> datetime | None:
        """The next slot after `after` that is in no window; None when nothing can be due.

        In ping mode `every N` counts from the last accepted run, and a job that has never reported is not
        due at all: its owner is still setting it up.
        """
        if self.paused or (self.mode == "ping" and last_accepted is None):
            return None
        slot = self._slot_after(after, last_accepted)
        if self.windows:
            for _ in range(_MOST_PASSED_OVER):
                end = None if slot is None else self.pause_end(slot)
                if end is None:
                    break
                slot = self._slot_after(end - _TICK, last_accepted)
        return slot

    def next_unserved(self, now: datetime, last_accepted: datetime | None) -> datetime | None:
        """What is due for somebody who comes to it at `now`: not the slot a run has just been early for."""
        due = self.next_due(now, last_accepted)
        if due is None or last_accepted is None or last_accepted < due - self.tolerance(due):
            return due
        return self.next_due(due, last_accepted)

    def tolerance(self, slot: datetime) -> timedelta:
        """How much before its slot a run may come: a clock may be a little fast. Never half a period."""
        if self.from_last_run:
            shortest = min(_parts(self.schedule, self.timezone).intervals)
            return min(max(self.grace, LEAST_TOLERANCE), shortest / 2)
        return _tolerance(self.schedule, self.timezone, self.grace_seconds, slot)

    def slot_of(self, at: datetime) -> datetime | None:
        """The slot that a run at `at` belongs to, if it is in time for one. Not for `every N` in ping mode."""
        following = _slot_after(self.schedule, self.timezone, _minute(at))
        if following is not None and following - self.tolerance(following) <= at:
            return following
        slot = _slot_before(self.schedule, self.timezone, _minute(at) + timedelta(minutes=1))
        return slot if slot is not None and at <= slot + self.grace else None

    def in_window(self, at: datetime) -> bool:
        return any(window.open_until(at) is not None for window in self.windows)

    def pause_end(self, at: datetime) -> datetime | None:
        """When the maintenance that `at` lies in ends, also over several windows; None when there is none then."""
        end = None
        for _ in range(_MOST_PASSED_OVER if self.windows else 0):
            ends = [until for window in self.windows if (until := window.open_until(end or at)) is not None]
            if not ends:
                break
            end = max(ends)
        return end

    def run_limit(self, started_at: datetime) -> datetime | None:
        """When a run is over its timeout: not during maintenance. None: never."""
        if self.timeout_seconds is None:
            return None
        limit = started_at + timedelta(seconds=self.timeout_seconds)
        return (self.pause_end(limit) or limit) if self.windows else limit

    def deadline(self, due_at: datetime | None, oldest_start: datetime | None) -> datetime | None:
        """When somebody must look: a slot without a run, or a run over its timeout. None: never."""
        by_slot = None if due_at is None else due_at + timedelta(seconds=self.grace_seconds)
        by_run = None if oldest_start is None else self.run_limit(oldest_start)
        if by_slot is None or by_run is None:
            return by_slot or by_run
        return min(by_slot, by_run)

    def _slot_after(self, after: datetime, last_accepted: datetime | None) -> datetime | None:
        if self.mode == "agent" or last_accepted is None:
            return _slot_after(self.schedule, self.timezone, _minute(after))
        parts = _parts(self.schedule, self.timezone)
        if not parts.intervals:
            return _slot_after(self.schedule, self.timezone, _minute(after))
        found = [
            slot
            for interval in parts.intervals
            if (slot := EveryRule(interval, last_accepted, after_anchor_only=True).next_after(after))
        ]
        if parts.crons:
            cron = _slot_after(parts.crons, self.timezone, _minute(after))
            found += [] if cron is None else [cron]
        return min(found, default=None)


class _Parts(NamedTuple):
    """A schedule's `every N`, and its other expressions."""

    intervals: tuple[timedelta, ...]
    crons: tuple[str, ...]


def _minute(at: datetime) -> datetime:
    """Slots that count from no run are at whole minutes, so those after 12:00:30 are those after 12:00:00: fewer
    questions to remember the answers of."""
    return at.replace(second=0, microsecond=0)


@lru_cache(maxsize=8192)
def _parts(schedule: tuple[str, ...], timezone: str) -> _Parts:
    rules = Schedule.parse(schedule, timezone).rules
    crons = tuple(text for text, rule in zip(schedule, rules, strict=True) if not isinstance(rule, EveryRule))
    return _Parts(tuple(rule.interval for rule in rules if isinstance(rule, EveryRule)), crons)


@lru_cache(maxsize=16384)
def _slot_after(schedule: tuple[str, ...], timezone: str, after: datetime) -> datetime | None:
    return Schedule.parse(schedule, timezone).next_after(after)


@lru_cache(maxsize=16384)
def _slot_before(schedule: tuple[str, ...], timezone: str, slot: datetime) -> datetime | None:
    """The last slot strictly before `slot`."""
    return Schedule.parse(schedule, timezone).previous_at_or_before(slot - timedelta(seconds=1))


@lru_cache(maxsize=16384)
def _tolerance(schedule: tuple[str, ...], timezone: str, grace_seconds: int, slot: datetime) -> timedelta:
    wanted = max(timedelta(seconds=grace_seconds), LEAST_TOLERANCE)
    before = _slot_before(schedule, timezone, slot)
    return wanted if before is None else min(wanted, (slot - before) / 2)
