"""The status engine: what a check-in or the passing of time does to an instance. Pure.

`Status` is the hot row of an instance; the functions here change it in place and answer the changes of
state that others (alerts, the console) care about. Times are UTC; `now` is the database's.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from crontopus_api.checkins.status import (
    Change,
    Finish,
    LostRun,
    OpenRun,
    Outage,
    Outcome,
    Passed,
    Start,
    Status,
)
from crontopus_api.jobs.expectation import Expectation

__all__ = [
    "Change",
    "Finish",
    "LostRun",
    "OpenRun",
    "Outage",
    "Outcome",
    "Passed",
    "Start",
    "Status",
    "answered_slots",
    "on_deadline",
    "on_finish",
    "on_start",
    "surplus_runs",
]

# Starts without an end beyond this many are given up as lost: a sender that never finishes a run must
# not make its own row grow for ever.
MOST_OPEN_RUNS = 10
# Alerts tell by this that an incident was none.
RETRACTED = "retracted: the run was reported late"
# After an outage of ours an agent sends what it has kept; it tries at least once a minute.
RETURN_TIME = timedelta(minutes=2)
# A stuck run is given up after four times its timeout, but not within a day.
_PATIENCE = timedelta(days=1)
_SLOW_FACTOR, _SLOW_RUNS, _SLOW_LEAST_MS = 3, 10, 1000
_MOST_VOID = 100
_ACTIVE = ("new", "healthy", "running")
_REASONS = {
    "failure": "a run failed",
    "timeout": "a run was stopped at its timeout",
    "lost": "a run started and its end was never reported",
}
_WARNINGS = {
    "overlap": "a run started while another one was running",
    "too_often": "a run came that no slot was waiting for",
}
_Place = Literal["served", "retracted", "late", "surplus", "untimed"]


def on_start(status: Status, expected: Expectation, event: Start, now: datetime) -> list[Change]:
    if any(run.run_id == event.run_id for run in status.open_runs):
        return []
    place = _account(status, expected, event.at, now)
    codes = _if_too_often(status, place)
    if expected.concurrency != "allow" and any(run.started_at <= event.at for run in status.open_runs):
        codes.append("overlap")
    _warn_anew(status, codes, event.at)
    status.open_runs.append(OpenRun(event.run_id, event.partition_at, event.at))
    changes = []
    # A start proves nothing about a job that is failing or was missed: only its end does.
    if status.state in _ACTIVE:
        changes = _move(status, "running", "a run started", now, event.run_id)
    elif place == "retracted":
        changes = _move(status, "running", RETRACTED, now, event.run_id)
    _set_deadline(status, expected)
    return changes


def surplus_runs(status: Status) -> list[OpenRun]:
    """Take away and answer the oldest open runs beyond the limit: their end will not come."""
    surplus = max(0, len(status.open_runs) - MOST_OPEN_RUNS)
    lost, status.open_runs = status.open_runs[:surplus], status.open_runs[surplus:]
    return lost


def on_finish(status: Status, expected: Expectation, event: Finish, now: datetime) -> list[Change]:
    started = event.started_at
    known = [run for run in status.open_runs if run.run_id == event.run_id]
    changes: list[Change] = []
    if known:
        status.open_runs = [run for run in status.open_runs if run.run_id != event.run_id]
        started = known[0].started_at
    elif not event.counted:
        place = _account(status, expected, started or event.at, now)
        _warn_anew(status, _if_too_often(status, place), started or event.at)
        if place == "retracted":
            changes = _move(status, _resting(status), RETRACTED, now, event.run_id)
    _warn_if_slow(status, event, started)
    if status.state != "paused":
        changes += _judge(status, expected, event, max(event.at, started or event.at), now)
    _set_deadline(status, expected)
    return changes


def on_deadline(
    status: Status, expected: Expectation, now: datetime, outages: Sequence[Outage] = ()
) -> Passed:
    """What has come to pass by `now`: nothing, when `deadline_at` has not. `outages`: those of ours, oldest first."""
    passed = Passed()
    if expected.paused or status.state == "paused":
        status.deadline_at = None
        return passed
    _judge_slot(status, expected, now, outages, passed)
    _judge_runs(status, expected, now, outages, passed)
    _give_up_runs(status, expected, now, passed)
    _set_deadline(status, expected)
    return passed


def answered_slots(status: Status, expected: Expectation, at: datetime, now: datetime) -> list[datetime]:
    """Slots that may have been called missed although a run took place at `at`; before it is accounted for."""
    due, missed = status.due_at, status.missed_slot_at
    if due is None or (missed is None and now - at < timedelta(minutes=1)):
        return []
    if expected.from_last_run:
        return [] if missed is None else _void_slots(expected, missed, due, at)
    if at >= due - expected.tolerance(due):
        return []
    if missed is not None and _in_time_for(expected, missed, at):
        return [missed]
    slot = expected.slot_of(at)
    return [] if slot is None or slot >= due else [slot]


def _void_slots(expected: Expectation, missed: datetime, due: datetime, at: datetime) -> list[datetime]:
    """With `every N` from the last run, what was called missed after a run was counted from an older one."""
    slots: list[datetime] = []
    slot: datetime | None = missed
    while slot is not None and slot < due and len(slots) < _MOST_VOID:
        if at <= slot + expected.grace:
            slots.append(slot)
        slot = expected.next_due(slot, missed)
    return slots


def _in_time_for(expected: Expectation, slot: datetime, at: datetime) -> bool:
    return slot - expected.tolerance(slot) <= at <= slot + expected.grace


def _account(status: Status, expected: Expectation, at: datetime, now: datetime) -> _Place:
    """A run at `at` counts for the slot it belongs to, early within tolerance or late; then the next is due."""
    last, due, missed = status.last_seen_at, status.due_at, status.missed_slot_at
    seen = min(at, now)
    if last is None or seen > last:
        status.last_seen_at = seen
    if expected.paused:
        return "untimed"
    if expected.from_last_run:
        return _account_from_last_run(status, expected, at, last, now)
    if due is None or at >= due - expected.tolerance(due):
        status.due_at = expected.next_due(at if due is None else max(at, due), status.last_seen_at)
        status.missed_slot_at = status.excused_until = None
        return "served"
    if missed is not None and _in_time_for(expected, missed, at):
        # As if it had been reported in time: is there still a slot that no run came for?
        following = expected.next_due(max(at, missed), status.last_seen_at)
        status.missed_slot_at = None if following is None or following >= due else following
        return "retracted" if status.missed_slot_at is None and status.state == "missed" else "late"
    if expected.partly_from_last_run:
        status.due_at = max(due, expected.next_due(at, status.last_seen_at) or due)
    known_late = missed is not None or status.state == "missed" or last is None or at <= last
    return "late" if known_late or expected.in_window(at) else "surplus"


def _account_from_last_run(
    status: Status, expected: Expectation, at: datetime, last: datetime | None, now: datetime
) -> _Place:
    if last is not None and status.last_seen_at == last and status.due_at is not None:
        return "late"  # a run before the last one moves nothing
    status.due_at, missed = expected.next_due(at, status.last_seen_at), status.missed_slot_at
    status.excused_until = None
    if missed is None:
        return "served"
    overdue = _overdue(status, expected, now)
    if at <= missed + expected.grace:
        status.missed_slot_at = None
        return "retracted" if status.state == "missed" and not overdue else "late"
    if not overdue:
        status.missed_slot_at = None
    return "late"


def _overdue(status: Status, expected: Expectation, now: datetime) -> bool:
    return status.due_at is not None and status.due_at + expected.grace <= now


def _judge(
    status: Status, expected: Expectation, event: Finish, ended_at: datetime, now: datetime
) -> list[Change]:
    if event.outcome == "skipped":
        return _rest(status, "a run was skipped", event, now)
    if _is_history(status, expected, event, ended_at, now):
        return _rest(status, "a run ended before the last one", event, now)
    if event.outcome == "success":
        return _succeed(status, expected, event, now)
    began = event.started_at or event.at
    if expected.windows and (expected.in_window(event.at) or expected.in_window(began)):
        return _rest(status, "a run failed during maintenance", event, now)
    return _fail(status, expected, event, now)


def _is_history(
    status: Status, expected: Expectation, event: Finish, ended_at: datetime, now: datetime
) -> bool:
    """Whether something newer than this run is known, so that its outcome says nothing about today."""
    if status.last_seen_at is not None and ended_at < status.last_seen_at:
        # A failure is told unless a newer run is known to have gone well.
        return event.outcome == "success" or (not status.open_runs and status.state in _ACTIVE)
    if status.state != "missed" or status.due_at is None:
        return False
    if expected.from_last_run:
        return _overdue(status, expected, now)
    newer = expected.next_due(ended_at, status.last_seen_at)
    if newer is not None and newer - expected.tolerance(newer) <= ended_at:
        newer = expected.next_due(newer, status.last_seen_at)
    return newer is not None and newer < status.due_at


def _rest(status: Status, reason: str, event: Finish, now: datetime) -> list[Change]:
    """A run ended that says nothing about the job."""
    if status.state not in _ACTIVE:
        return []
    return _move(status, _resting(status), reason, now, event.run_id)


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
        return _rest(status, "a run failed, below the threshold", event, now)
    reason = _REASONS[event.outcome]
    if event.outcome == "failure" and event.exit_code is not None:
        reason = f"a run failed with exit code {event.exit_code}"
    return _move(status, "failing", reason, now, event.run_id)


def _resting(status: Status) -> str:
    return "running" if status.open_runs else "healthy"


def _judge_slot(
    status: Status, expected: Expectation, now: datetime, outages: Sequence[Outage], passed: Passed
) -> None:
    due = status.due_at
    if due is None or due + expected.grace > now:
        return
    excused = _excuse(expected, due - expected.tolerance(due), due + expected.grace, outages)
    if excused is not None and excused > now:
        status.excused_until = excused
        return
    # One row tells of the first slot; after a long silence the clock is simply set right again.
    status.due_at = expected.next_due(max(due, now - expected.grace), status.last_seen_at)
    status.excused_until = None
    if expected.in_window(due):
        return
    if excused is not None and expected.mode == "ping":
        passed.forgiven.append(due)
        return
    passed.missed.append(due)
    status.successes = 0
    if status.state != "missed":
        status.missed_slot_at = due
    if status.state in _ACTIVE:
        passed.changes += _move(status, "missed", "no run was reported in time", now, None)


def _judge_runs(
    status: Status, expected: Expectation, now: datetime, outages: Sequence[Outage], passed: Passed
) -> None:
    for run in [run for run in status.open_runs if not run.flagged]:
        limit = expected.run_limit(run.started_at)
        if limit is None or limit > now:
            continue
        excused = _excuse(expected, run.started_at, limit, outages)
        if excused is not None and excused > now:
            status.excused_until = excused
        elif excused is not None and expected.mode == "ping":
            status.open_runs.remove(run)
            message = "its end may have been reported while Crontopus could not be reached"
            passed.lost.append(LostRun(run, message))
            if status.state == "running":
                passed.changes += _move(status, _resting(status), message, now, run.run_id)
        else:
            run.flagged, status.successes = True, 0
            reason = "a run is taking longer than its timeout"
            passed.changes += _move(status, "stuck", reason, now, run.run_id)


def _give_up_runs(status: Status, expected: Expectation, now: datetime, passed: Passed) -> None:
    """A run that was called stuck long ago and never ended must not keep its job stuck for ever."""
    for run in [run for run in status.open_runs if run.flagged and _patience_ends(expected, run) <= now]:
        status.open_runs.remove(run)
        passed.lost.append(LostRun(run, _REASONS["lost"]))
    if not passed.lost or status.state != "stuck" or any(run.flagged for run in status.open_runs):
        return
    if status.successes >= expected.recovery_threshold:
        reason = "the stuck run was given up, later ones succeeded"
        passed.changes += _move(status, _resting(status), reason, now, None)
    else:
        status.failures += 1
        passed.changes += _move(status, "failing", _REASONS["lost"], now, passed.lost[-1].run.run_id)


def _patience_ends(expected: Expectation, run: OpenRun) -> datetime:
    return run.started_at + max(4 * timedelta(seconds=expected.timeout_seconds or 0), _PATIENCE)


def _excuse(
    expected: Expectation, began: datetime, ended: datetime, outages: Sequence[Outage]
) -> datetime | None:
    """Until when something is waited for that could have been reported in [began, ended]; None: no outage of ours
    came in between. What was kept meanwhile may still arrive, or be kept through the next outage."""
    until = None
    for outage in outages:
        if outage.began_at <= (until or ended) and outage.ended_at >= began:
            again = outage.ended_at + max(expected.grace, RETURN_TIME)
            until = max(until or ended, again)
    return until


def _set_deadline(status: Status, expected: Expectation) -> None:
    if not status.open_runs:
        deadline = expected.deadline(status.due_at, None)
    else:
        oldest = min((run.started_at for run in status.open_runs if not run.flagged), default=None)
        deadline = expected.deadline(status.due_at, oldest)
        given_up = min(
            (_patience_ends(expected, run) for run in status.open_runs if run.flagged), default=None
        )
        if given_up is not None and (deadline is None or given_up < deadline):
            deadline = given_up
    if status.excused_until is not None and deadline is not None:
        deadline = max(deadline, status.excused_until)
    status.deadline_at = None if expected.paused else deadline


def _if_too_often(status: Status, place: _Place) -> list[str]:
    """Whoever runs by hand what failed or was missed repairs it, and is not told off for it."""
    unwell = status.failures > 0 or status.state in {"failing", "missed", "stuck"}
    return ["too_often"] if place == "surplus" and not unwell else []


def _warn_anew(status: Status, codes: Sequence[str], at: datetime) -> None:
    """A run has begun: what was said of earlier ones is over."""
    if codes or status.warnings:
        status.warnings = [{"code": code, "message": _WARNINGS[code], "at": at.isoformat()} for code in codes]


def _warn_if_slow(status: Status, event: Finish, started: datetime | None) -> None:
    usual = status.usual_ms
    if usual is None or started is None or status.usual_runs < _SLOW_RUNS:
        return
    took = int((event.at - started) / timedelta(milliseconds=1))
    if event.outcome not in {"skipped", "lost"} and took > max(usual * _SLOW_FACTOR, usual + _SLOW_LEAST_MS):
        message = f"a run took {took / 1000:.0f} s, where {usual / 1000:.0f} s is usual"
        status.warnings = [*status.warnings, {"code": "slow", "message": message, "at": event.at.isoformat()}]


def _move(status: Status, to_state: str, reason: str, now: datetime, run_id: UUID | None) -> list[Change]:
    if status.state == to_state:
        return []
    status.version += 1
    change = Change(status.version, status.state, to_state, reason, now, run_id)
    status.state, status.since = to_state, now
    return [change]
