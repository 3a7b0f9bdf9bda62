"""Any sequence of events: the engine does what the slow model of it does, and its deadlines are honest."""

import copy
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from crontopus_api.checkins.engine import (
    MOST_OPEN_RUNS,
    Finish,
    Outage,
    Outcome,
    Start,
    Status,
    on_deadline,
    on_finish,
    on_start,
)
from crontopus_api.jobs.expectation import Expectation
from crontopus_api.jobs.windows import Window

from ..fuzz.budget import MULTIPLIER
from .model import Job, Model, Span

# Before the clocks of Europe and of New York change, in spring and in autumn, and an ordinary day.
DAYS = [datetime(2026, month, day, 21, 17, tzinfo=UTC) for month, day in ((3, 28), (10, 24), (10, 31))]
CRONS = [
    "0 * * * *",
    "*/5 * * * *",
    "* * * * *",
    "30 1 * * *",
    "*/30 1-3 * * *",
    "15 2 * * *",
    "7,13 */2 * * *",
]
ZONES = ["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe"]
# The model knows the slots of the days after.
LONGEST = timedelta(days=2)
OUTCOMES: list[Outcome] = ["success", "success", "failure", "timeout", "skipped", "lost"]
SECONDS = st.one_of(
    st.integers(0, 90), st.integers(0, 3600), st.sampled_from([60, 300, 600, 1800, 3600, 86400])
)


@st.composite
def jobs(draw: st.DrawFn, day: datetime) -> Job:
    ping = draw(st.booleans())
    windows: tuple[Span, ...] = ()
    if draw(st.integers(0, 2)) == 0:
        begins = [day + timedelta(minutes=draw(st.integers(0, 600))) for _ in range(draw(st.integers(1, 2)))]
        windows = tuple((begin, begin + timedelta(minutes=draw(st.integers(1, 240)))) for begin in begins)
    return Job(
        ping=ping,
        cron=draw(st.sampled_from(CRONS)),
        zone=draw(st.sampled_from(ZONES)),
        every=draw(st.sampled_from([None, None, 1, 15, 37, 60])) if ping else None,
        grace=draw(st.sampled_from([1, 30, 300, 1200])),
        timeout=draw(st.sampled_from([None, 60, 600, 7200])),
        failures=draw(st.integers(1, 3)),
        successes=draw(st.integers(1, 3)),
        overlap_allowed=draw(st.booleans()),
        windows=windows,
    )


def expectation(job: Job) -> Expectation:
    return Expectation(
        mode="ping" if job.ping else "agent",
        schedule=(job.cron,) if job.every is None else (f"every {job.every}m",),
        timezone=job.zone,
        grace_seconds=job.grace,
        timeout_seconds=job.timeout,
        failure_threshold=job.failures,
        recovery_threshold=job.successes,
        severity="error",
        paused=False,
        concurrency="allow" if job.overlap_allowed else "forbid",
        windows=tuple(Window(begin.isoformat(), end.isoformat()) for begin, end in job.windows),
    )


class EngineAgainstModel(RuleBasedStateMachine):
    @initialize(data=st.data(), day=st.sampled_from(DAYS))
    def begin(self, data: st.DataObject, day: datetime) -> None:
        job = data.draw(jobs(day))
        self.now, self.names, self.told = day, 0, list[str]()
        self.model = Model(job, day)
        self.expected = expectation(job)
        due = self.expected.next_due(day, None)
        self.status = Status("new", day, 0, due, self.expected.deadline(due, None))

    def _tell(self, states: list[str]) -> None:
        self.told += states

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: int) -> None:
        self._advance(seconds)

    def _advance(self, seconds: int) -> None:
        self.now = min(self.now + timedelta(seconds=seconds), self.model.created + LONGEST)

    @rule()
    def somebody_looks(self) -> None:
        self._look()

    def _look(self) -> None:
        passed = on_deadline(
            self.status, self.expected, self.now, [Outage(*span) for span in self.model.outages]
        )
        looked = self.model.look(self.now)
        self._tell([change.to_state for change in passed.changes])
        assert (passed.missed, passed.forgiven) == (looked.missed, looked.forgiven)
        assert [lost.run.run_id.int for lost in passed.lost] == looked.lost
        assert self.status.deadline_at is None or self.status.deadline_at > self.now

    @rule()
    def the_deadline_comes(self) -> None:
        """Nothing happens before it, and somebody looks then."""
        deadline = self.status.deadline_at
        if deadline is not None and self.now < deadline < self.model.created + LONGEST:
            self.now = deadline - timedelta(microseconds=1)
            self._look()
            self.now = deadline
            self._look()

    @rule(minutes=st.integers(1, 90), since=st.integers(0, 30))
    def nobody_can_report(self, minutes: int, since: int) -> None:
        began = self.now + timedelta(minutes=since)
        self._advance((since + minutes) * 60)
        if began < self.now:
            self.model.outages.append((began, self.now))

    def _new_name(self) -> int:
        self.names += 1
        return self.names

    @precondition(lambda self: len(self.status.open_runs) < MOST_OPEN_RUNS)
    @rule(ago=st.one_of(st.just(0), SECONDS))
    def a_run_starts(self, ago: int) -> None:
        name, at = self._new_name(), self.now - timedelta(seconds=ago)
        changes = on_start(self.status, self.expected, Start(UUID(int=name), at, at), self.now)
        self._tell([change.to_state for change in changes])
        self.model.start(name, at, self.now)

    @precondition(lambda self: self.status.open_runs)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES), ago=st.one_of(st.just(0), SECONDS))
    def a_run_ends(self, data: st.DataObject, outcome: Outcome, ago: int) -> None:
        name = data.draw(st.sampled_from([run.run_id.int for run in self.status.open_runs]))
        self._finish(name, self.now - timedelta(seconds=ago), outcome, None)

    @rule(
        outcome=st.sampled_from(OUTCOMES),
        ago=st.one_of(st.just(0), st.just(0), SECONDS),
        took=st.one_of(st.none(), SECONDS),
    )
    def a_run_is_reported(self, outcome: Outcome, ago: int, took: int | None) -> None:
        at = self.now - timedelta(seconds=ago)
        self._finish(self._new_name(), at, outcome, None if took is None else at - timedelta(seconds=took))

    @rule(outcome=st.sampled_from(OUTCOMES), offset=st.integers(-400, 1300))
    def the_missed_run_is_reported(self, outcome: Outcome, offset: int) -> None:
        if self.status.missed_slot_at is not None:
            at = min(self.status.missed_slot_at + timedelta(seconds=offset), self.now)
            self._finish(self._new_name(), at, outcome, None)

    def _finish(self, name: int, at: datetime, outcome: Outcome, began: datetime | None) -> None:
        event = Finish(UUID(int=name), at, outcome, None, began)
        changes = on_finish(self.status, self.expected, event, self.now)
        self._tell([change.to_state for change in changes])
        self.model.finish(name, at, outcome, self.now, began)

    @invariant()
    def both_agree(self) -> None:
        if not hasattr(self, "model"):
            return
        status, model = self.status, self.model
        assert self.told == model.told
        assert status.state == model.state
        assert status.due_at == model.due()
        assert (status.failures, status.successes) == (model.bad, model.good)
        assert [(run.run_id.int, run.flagged) for run in status.open_runs] == [
            (run.name, run.stuck) for run in model.open
        ]
        assert [warning["code"] for warning in status.warnings] == model.warnings
        assert status.version == len(model.told)

    @invariant()
    def before_its_deadline_nothing_comes_to_pass(self) -> None:
        if not hasattr(self, "model"):
            return
        deadline = self.status.deadline_at
        if deadline is not None and deadline <= self.now:
            return
        passed = on_deadline(
            copy.deepcopy(self.status),
            self.expected,
            self.now,
            [Outage(*span) for span in self.model.outages],
        )
        excused = bool(self.model.outages)
        assert excused or not (passed.changes or passed.missed or passed.forgiven or passed.lost)


EngineAgainstModel.TestCase.settings = settings(
    max_examples=40 * MULTIPLIER,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestEngineAgainstModel = EngineAgainstModel.TestCase
