"""The status engine: what a check-in or the passing of time does to an instance. Pure.

`Status` is the hot row of an instance; the functions here change it in place and answer the changes of
state that others (alerts, the console) care about. Times are UTC; `now` is the database's.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from crontopus_api.jobs.expectation import Expectation
from crontopus_api.schedules import Schedule

Outcome = Literal["success", "failure", "timeout", "skipped", "lost"]
# Starts without an end beyond this many are given up as lost: a sender that never finishes a run must
# not make its own row grow for ever.
MOST_OPEN_RUNS = 10
_ACTIVE = ("new", "healthy", "running", "late")


@dataclass(slots=True)
class OpenRun:
    """A run that has started and not ended. `flagged`: it was already called stuck."""

    run_id: UUID
    partition_at: datetime
    started_at: datetime
    flagged: bool = False


@dataclass(slots=True)
class Status:
    state: str
    since: datetime
    version: int
    due_at: datetime | None = None
    deadline_at: datetime | None = None
    last_seen_at: datetime | None = None
    failures: int = 0
    successes: int = 0
    open_runs: list[OpenRun] = field(default_factory=list)
    missed_slot_at: datetime | None = None
    excused_until: datetime | None = None
    usual_ms: int | None = None
    usual_runs: int = 0
    warnings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Start:
    run_id: UUID
    partition_at: datetime
    at: datetime


@dataclass(frozen=True)
class Finish:
    run_id: UUID
    at: datetime
    outcome: Outcome
    exit_code: int | None = None
    started_at: datetime | None = None


@dataclass(frozen=True)
class Change:
    version: int
    from_state: str
    to_state: str
    reason: str
    at: datetime
    run_id: UUID | None = None


def on_start(status: Status, expected: Expectation, event: Start, now: datetime) -> list[Change]:
    _serve_slot(status, expected, event.at)
    status.open_runs.append(OpenRun(event.run_id, event.partition_at, event.at))
    changes = []
    # A start proves nothing about a job that is failing or was missed: only its end does.
    if status.state in _ACTIVE:
        changes = _move(status, "running", "a run started", now, event.run_id)
    _set_deadline(status, expected)
    return changes


def surplus_runs(status: Status) -> list[OpenRun]:
    """Take away and answer the oldest open runs beyond the limit: their end will not come."""
    surplus = max(0, len(status.open_runs) - MOST_OPEN_RUNS)
    lost, status.open_runs = status.open_runs[:surplus], status.open_runs[surplus:]
    return lost


def on_finish(status: Status, expected: Expectation, event: Finish, now: datetime) -> list[Change]:
    known = [run for run in status.open_runs if run.run_id == event.run_id]
    status.open_runs = [run for run in status.open_runs if run.run_id != event.run_id]
    if not known:
        _serve_slot(status, expected, event.started_at or event.at)
    if status.state == "paused":
        changes = []
    elif event.outcome == "success":
        changes = _succeed(status, expected, event, now)
    elif event.outcome == "skipped":
        changes = _move(status, _resting(status), "a run was skipped", now, event.run_id)
    else:
        changes = _fail(status, expected, event, now)
    _set_deadline(status, expected)
    return changes


def on_deadline(status: Status, expected: Expectation, now: datetime) -> tuple[list[Change], list[datetime]]:
    """(changes, slots found to be missed) when `deadline_at` has passed; nothing when it has not."""
    changes: list[Change] = []
    missed: list[datetime] = []
    grace = timedelta(seconds=expected.grace_seconds)
    if status.due_at is not None and status.due_at + grace <= now and not expected.paused:
        missed.append(status.due_at)
        # One row tells of the first slot; after a long silence the clock is simply set right again.
        status.due_at = expected.next_due(max(status.due_at, now - grace), status.last_seen_at)
        status.successes = 0
        if status.state in {"new", "healthy", "late", "running"}:
            changes += _move(status, "missed", "no run was reported in time", now, None)
    over = _over_timeout(status, expected, now)
    for run in over:
        run.flagged = True
    if over and status.state != "paused":
        status.successes = 0
        changes += _move(status, "stuck", "a run is taking longer than its timeout", now, over[0].run_id)
    _set_deadline(status, expected)
    return changes, missed


def _serve_slot(status: Status, expected: Expectation, at: datetime) -> None:
    """A run at `at` counts for the slot it belongs to, early within tolerance or late; then the next is due."""
    last = status.last_seen_at
    status.last_seen_at = at if last is None else max(last, at)
    if expected.paused:
        return
    due = status.due_at
    if due is None or (expected.mode == "ping" and _is_interval(expected)):
        status.due_at = expected.next_due(at, status.last_seen_at)
    elif at >= due - _early_tolerance(expected, due):
        status.due_at = expected.next_due(max(at, due), status.last_seen_at)


def _is_interval(expected: Expectation) -> bool:
    return all(expression.startswith("every ") for expression in expected.schedule)


def _early_tolerance(expected: Expectation, due: datetime) -> timedelta:
    """A clock that is a little fast must not make a run count for nothing; but never half a period."""
    grace = timedelta(seconds=expected.grace_seconds)
    schedule = Schedule.parse(expected.schedule, expected.timezone)
    before = schedule.previous_at_or_before(due - timedelta(seconds=1))
    return grace if before is None else min(grace, (due - before) / 2)


def _succeed(status: Status, expected: Expectation, event: Finish, now: datetime) -> list[Change]:
    status.failures, status.successes = 0, status.successes + 1
    if any(run.flagged for run in status.open_runs):
        return []  # another run is still stuck, whatever this one did
    if status.state in {"failing", "missed", "stuck"} and status.successes < expected.recovery_threshold:
        return []
    return _move(status, _resting(status), "a run succeeded", now, event.run_id)


def _fail(status: Status, expected: Expectation, event: Finish, now: datetime) -> list[Change]:
    status.failures, status.successes = status.failures + 1, 0
    if status.failures < expected.failure_threshold:
        # Below the threshold it is a run that went wrong, not yet a job that does.
        if status.state in _ACTIVE:
            return _move(status, _resting(status), "a run failed, below the threshold", now, event.run_id)
        return []
    reason = {
        "failure": "a run failed"
        if event.exit_code is None
        else f"a run failed with exit code {event.exit_code}",
        "timeout": "a run was stopped at its timeout",
        "lost": "a run started and its end was never reported",
    }[event.outcome]
    return _move(status, "failing", reason, now, event.run_id)


def _resting(status: Status) -> str:
    return "running" if status.open_runs else "healthy"


def _over_timeout(status: Status, expected: Expectation, now: datetime) -> list[OpenRun]:
    if expected.timeout_seconds is None:
        return []
    limit = timedelta(seconds=expected.timeout_seconds)
    return [run for run in status.open_runs if not run.flagged and run.started_at + limit <= now]


def _set_deadline(status: Status, expected: Expectation) -> None:
    oldest = min((run.started_at for run in status.open_runs if not run.flagged), default=None)
    status.deadline_at = expected.deadline(status.due_at, oldest)


def _move(status: Status, to_state: str, reason: str, now: datetime, run_id: UUID | None) -> list[Change]:
    if status.state == to_state:
        return []
    status.version += 1
    change = Change(status.version, status.state, to_state, reason, now, run_id)
    status.state, status.since = to_state, now
    return [change]
