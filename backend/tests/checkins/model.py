"""What the status engine should do, written a second time and slowly: the oracle of its stateful test.

It shares no code with the product. Slots are enumerated minute by minute by the transcription of Debian's cron, kept in
plain lists, and looked through from the start at every question.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from ..schedules.debian_cron import firings

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WELL = ("new", "healthy", "running")
Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Job:
    """`every`: minutes from the last run, in ping mode; else `cron` in `zone`."""

    ping: bool = True
    cron: str = "0 * * * *"
    zone: str = "UTC"
    every: int | None = None
    grace: int = 300
    timeout: int | None = None
    failures: int = 1
    successes: int = 1
    overlap_allowed: bool = True
    windows: tuple[Span, ...] = ()


@lru_cache(maxsize=256)
def cron_slots(cron: str, zone: str, start: datetime, end: datetime) -> tuple[datetime, ...]:
    return tuple(firings(cron, zone, start, end))


@lru_cache(maxsize=64)
def interval_slots(minutes: int, last: datetime, end: datetime) -> tuple[datetime, ...]:
    slots, slot = [], last
    while slot < end:
        slot += timedelta(minutes=minutes)
        slots.append(slot)
    return tuple(slots)


@dataclass
class Open:
    name: int
    start: datetime
    stuck: bool = False


@dataclass
class Looked:
    missed: list[datetime] = field(default_factory=list)
    forgiven: list[datetime] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)


class Model:
    def __init__(self, job: Job, now: datetime) -> None:
        self.job, self.created = job, now
        self.state = "new"
        self.last: datetime | None = None
        self.settled = now
        self.asked_for: list[datetime] = []
        self.bad = self.good = 0
        self.open: list[Open] = []
        self.warnings: list[str] = []
        self.outages: list[Span] = []
        self.told: list[str] = []

    # --- slots

    def all_slots(self) -> tuple[datetime, ...]:
        job = self.job
        if job.every is None:
            return cron_slots(job.cron, job.zone, self.created - 2 * DAY, self.created + 4 * DAY)
        return () if self.last is None else interval_slots(job.every, self.last, self.created + 4 * DAY)

    def in_window(self, at: datetime) -> bool:
        return any(start <= at < end for start, end in self.job.windows)

    def expected(self) -> tuple[datetime, ...]:
        slots = self.all_slots()
        if not self.job.windows:
            return slots
        return tuple(slot for slot in slots if not self.in_window(slot))

    def due(self) -> datetime | None:
        if self.job.ping and self.last is None:
            return None
        return next(slot for slot in self.expected() if slot > self.settled)

    def early(self, slot: datetime) -> datetime:
        """From when on a run may be the slot's."""
        wanted = max(timedelta(seconds=self.job.grace), MINUTE)
        if self.job.every is not None:
            return slot - min(wanted, timedelta(minutes=self.job.every) / 2)
        slots = self.all_slots()
        place = slots.index(slot)
        if place == 0:
            return slot - wanted  # days before the job was made: nothing depends on it
        before = slots[place - 1]
        return slot - min(wanted, (slot - before) / 2)

    def end_of_grace(self, slot: datetime) -> datetime:
        return slot + timedelta(seconds=self.job.grace)

    def place(self, at: datetime, now: datetime) -> str:
        """Account for a run that began at `at`."""
        due, last = self.due(), self.last
        seen = min(at, now)
        if self.job.every is not None:
            return self.place_by_last_run(at, seen, now)
        self.last = seen if last is None else max(last, seen)
        if due is None or at >= self.early(due):
            self.settled = at if due is None else max(at, due)
            self.asked_for = []
            return "in time"
        if self.asked_for and self.early(self.asked_for[0]) <= at <= self.end_of_grace(self.asked_for[0]):
            reach = max(at, self.asked_for[0])
            self.asked_for = [slot for slot in self.asked_for if slot > reach]
            return "not missed" if not self.asked_for and self.state == "missed" else "late"
        if self.asked_for or self.state == "missed" or last is None or at <= last or self.in_window(at):
            return "late"
        return "odd"

    def place_by_last_run(self, at: datetime, seen: datetime, now: datetime) -> str:
        if self.last is not None and seen <= self.last:
            return "late"
        self.last, self.settled = seen, at
        if not self.asked_for:
            return "in time"
        first, overdue = self.asked_for[0], self.overdue(now)
        if at <= self.end_of_grace(first):
            self.asked_for = []
            return "not missed" if self.state == "missed" and not overdue else "late"
        if not overdue:
            self.asked_for = []
        return "late"

    def overdue(self, now: datetime) -> bool:
        due = self.due()
        return due is not None and self.end_of_grace(due) <= now

    # --- events

    def go(self, state: str) -> None:
        if state != self.state:
            self.state = state
            self.told.append(state)

    def rest(self) -> None:
        self.go("running" if self.open else "healthy")

    @property
    def unwell(self) -> bool:
        """Whoever runs the job now repairs it."""
        return self.bad > 0 or self.state not in (*WELL, "late", "paused")

    def start(self, name: int, at: datetime, now: datetime) -> None:
        place = self.place(at, now)
        self.warnings = ["too_often"] if place == "odd" and not self.unwell else []
        if not self.job.overlap_allowed and [run for run in self.open if run.start <= at]:
            self.warnings.append("overlap")
        self.open.append(Open(name, at))
        if self.state in WELL or place == "not missed":
            self.go("running")

    def finish(
        self, name: int, at: datetime, outcome: str, now: datetime, began: datetime | None = None
    ) -> None:
        mine = [run for run in self.open if run.name == name]
        self.open = [run for run in self.open if run.name != name]
        if mine:
            began = mine[0].start
        else:
            place = self.place(began or at, now)
            self.warnings = ["too_often"] if place == "odd" and not self.unwell else []
            if place == "not missed":
                self.rest()
        self.outcome(outcome, at, max(at, began or at), now, (mine == [] and began) or at)

    def outcome(self, outcome: str, at: datetime, end: datetime, now: datetime, begin: datetime) -> None:
        if outcome == "skipped" or self.is_old(outcome, end, now):
            if self.state in WELL:
                self.rest()
        elif outcome == "success":
            self.bad, self.good = 0, self.good + 1
            if any(run.stuck for run in self.open):
                return
            if self.state in WELL or self.good >= self.job.successes:
                self.rest()
        elif self.in_window(at) or self.in_window(begin):
            if self.state in WELL:
                self.rest()
        else:
            self.bad, self.good = self.bad + 1, 0
            if self.bad >= self.job.failures:
                self.go("failing")
            elif self.state in WELL:
                self.rest()

    def is_old(self, outcome: str, end: datetime, now: datetime) -> bool:
        if self.last is not None and end < self.last:
            return outcome == "success" or (not self.open and self.state in WELL)
        if self.state != "missed":
            return False
        if self.job.every is not None:
            return self.overdue(now)
        return any(end < self.early(slot) for slot in self.expected() if slot <= self.settled)

    # --- the passing of time

    def look(self, now: datetime) -> Looked:
        looked = Looked()
        self.look_at_slot(now, looked)
        self.look_at_runs(now, looked)
        return looked

    def look_at_slot(self, now: datetime, looked: Looked) -> None:
        due = self.due()
        if due is None or self.end_of_grace(due) > now:
            return
        excuse = self.excuse(self.early(due), self.end_of_grace(due))
        if excuse is not None and excuse > now:
            return
        before = self.settled
        self.settled = max(due, now - timedelta(seconds=self.job.grace))
        if excuse is not None and self.job.ping:
            looked.forgiven.append(due)
            return
        looked.missed.append(due)
        self.good = 0
        passed = [slot for slot in self.expected() if before < slot <= self.settled]
        if self.state != "missed":
            self.asked_for = passed
        elif self.asked_for:
            self.asked_for += passed
        if self.state in WELL:
            self.go("missed")

    def look_at_runs(self, now: datetime, looked: Looked) -> None:
        for run in [run for run in self.open if not run.stuck]:
            limit = self.limit(run)
            if limit is None or limit > now:
                continue
            excuse = self.excuse(run.start, limit)
            if excuse is not None and excuse > now:
                continue
            if excuse is not None and self.job.ping:
                self.open.remove(run)
                looked.lost.append(run.name)
                if self.state == "running":
                    self.rest()
            else:
                run.stuck, self.good = True, 0
                self.go("stuck")
        patience = max(4 * timedelta(seconds=self.job.timeout or 0), DAY)
        for run in [run for run in self.open if run.stuck and run.start + patience <= now]:
            self.open.remove(run)
            looked.lost.append(run.name)
        if self.state == "stuck" and looked.lost and not any(run.stuck for run in self.open):
            if self.good >= self.job.successes:
                self.rest()
            else:
                self.bad += 1
                self.go("failing")

    def limit(self, run: Open) -> datetime | None:
        if self.job.timeout is None:
            return None
        limit = run.start + timedelta(seconds=self.job.timeout)
        while self.in_window(limit):
            limit = max(end for start, end in self.job.windows if start <= limit < end)
        return limit

    def excuse(self, begin: datetime, end: datetime) -> datetime | None:
        """Until when a report is waited for that an outage kept away."""
        until, extra = end, max(timedelta(seconds=self.job.grace), 2 * MINUTE)
        touched = False
        for began, ended in self.outages:
            if began <= until and ended >= begin:
                until, touched = max(until, ended + extra), True
        return until if touched else None
