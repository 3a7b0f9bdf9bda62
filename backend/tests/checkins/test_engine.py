"""The status engine, by sequences of events. Pure: no database, no clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from crontopus_api.checkins.engine import (
    MOST_OPEN_RUNS,
    Change,
    Finish,
    Outcome,
    Start,
    Status,
    on_deadline,
    on_finish,
    on_start,
    surplus_runs,
)
from crontopus_api.jobs.expectation import Expectation

T0 = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOURLY = Expectation(
    mode="ping",
    schedule=("0 * * * *",),
    timezone="UTC",
    grace_seconds=300,
    timeout_seconds=None,
    failure_threshold=1,
    recovery_threshold=1,
    severity="error",
    paused=False,
)


def minutes(count: float) -> datetime:
    return T0 + timedelta(minutes=count)


class Driver:
    """Feeds events to one instance and remembers the states it went through."""

    def __init__(self, expected: Expectation = HOURLY, due_at: datetime | None = None) -> None:
        self.expected = expected
        self.status = Status(state="new", since=T0, version=0, due_at=due_at)
        self.status.deadline_at = expected.deadline(due_at, None)
        self.states: list[str] = []

    def start(self, at: datetime, run_id: UUID | None = None) -> UUID:
        run_id = run_id or uuid4()
        self._note(on_start(self.status, self.expected, Start(run_id, at, at), at))
        return run_id

    def finish(
        self, at: datetime, outcome: Outcome = "success", run_id: UUID | None = None, code: int | None = None
    ) -> None:
        event = Finish(run_id or uuid4(), at, outcome, code)
        self._note(on_finish(self.status, self.expected, event, at))

    def pass_time(self, now: datetime) -> list[datetime]:
        passed = on_deadline(self.status, self.expected, now)
        self._note(passed.changes)
        return passed.missed

    def _note(self, changes: list[Change]) -> None:
        self.states += [change.to_state for change in changes]


def test_a_new_ping_job_is_not_due_until_it_has_reported() -> None:
    driver = Driver()
    assert driver.pass_time(minutes(600)) == []
    assert driver.status.state == "new"
    driver.finish(minutes(600))
    assert driver.states == ["healthy"]
    assert driver.status.due_at == minutes(660)


def test_a_new_agent_job_is_due_from_its_first_slot() -> None:
    driver = Driver(replace(HOURLY, mode="agent"), due_at=minutes(60))
    assert driver.pass_time(minutes(64)) == []
    assert driver.pass_time(minutes(65)) == [minutes(60)]
    assert driver.states == ["missed"]


def test_grace_is_what_separates_late_from_missed() -> None:
    driver = Driver()
    driver.finish(minutes(0))
    assert driver.status.deadline_at == minutes(65)
    assert driver.pass_time(minutes(64.9)) == []
    assert driver.pass_time(minutes(65)) == [minutes(60)]
    assert driver.status.due_at == minutes(120)
    assert driver.states == ["healthy", "missed"]


def test_an_early_run_counts_for_the_slot_it_belongs_to() -> None:
    driver = Driver()
    driver.finish(minutes(0))
    driver.finish(minutes(56))
    assert driver.status.due_at == minutes(120)


def test_a_run_out_of_turn_does_not_count_for_a_slot() -> None:
    driver = Driver()
    driver.finish(minutes(0))
    driver.finish(minutes(30))
    assert driver.status.due_at == minutes(60)
    assert driver.pass_time(minutes(65)) == [minutes(60)]


def test_an_interval_counts_from_the_last_run() -> None:
    driver = Driver(replace(HOURLY, schedule=("every 15m",)))
    driver.finish(minutes(0))
    assert driver.status.due_at == minutes(15)
    driver.finish(minutes(7))
    assert driver.status.due_at == minutes(22)


def test_a_start_shows_the_job_running_and_serves_the_slot() -> None:
    driver = Driver()
    driver.finish(minutes(0))
    run = driver.start(minutes(60))
    assert driver.status.due_at == minutes(120)
    driver.finish(minutes(70), run_id=run)
    assert driver.status.due_at == minutes(120)
    assert driver.states == ["healthy", "running", "healthy"]


def test_a_failure_is_told_and_a_success_ends_it() -> None:
    driver = Driver()
    driver.finish(minutes(0), "failure", code=3)
    driver.finish(minutes(60))
    assert driver.states == ["failing", "healthy"]


def test_a_start_does_not_hide_that_the_job_is_failing() -> None:
    driver = Driver()
    driver.finish(minutes(0), "failure")
    driver.start(minutes(60))
    assert driver.status.state == "failing"


@pytest.mark.parametrize("outcome", ["failure", "timeout", "lost"])
def test_thresholds_want_several_in_a_row(outcome: Outcome) -> None:
    driver = Driver(replace(HOURLY, failure_threshold=2, recovery_threshold=2))
    driver.finish(minutes(0), outcome)
    assert driver.status.state == "healthy"
    driver.finish(minutes(60), outcome)
    assert driver.status.state == "failing"
    driver.finish(minutes(120))
    assert driver.status.state == "failing"
    driver.finish(minutes(180))
    assert driver.status.state == "healthy"


def test_a_run_over_its_timeout_is_stuck_until_it_ends() -> None:
    driver = Driver(replace(HOURLY, timeout_seconds=600))
    run = driver.start(minutes(0))
    assert driver.status.deadline_at == minutes(10)
    driver.pass_time(minutes(10))
    assert driver.status.state == "stuck"
    driver.finish(minutes(20), run_id=run)
    assert driver.states == ["running", "stuck", "healthy"]


def test_a_success_of_another_run_does_not_hide_a_stuck_one() -> None:
    driver = Driver(replace(HOURLY, timeout_seconds=600))
    stuck = driver.start(minutes(0))
    driver.pass_time(minutes(10))
    other = driver.start(minutes(60))
    driver.finish(minutes(61), run_id=other)
    assert driver.status.state == "stuck"
    driver.finish(minutes(70), run_id=stuck)
    assert driver.status.state == "healthy"


def test_a_paused_instance_records_runs_and_keeps_quiet() -> None:
    driver = Driver(replace(HOURLY, paused=True))
    driver.status.state = "paused"
    driver.start(minutes(0))
    driver.finish(minutes(1), "failure")
    assert driver.pass_time(minutes(600)) == []
    assert (driver.states, driver.status.deadline_at) == ([], None)


def test_a_skipped_run_is_neither_good_nor_bad() -> None:
    driver = Driver()
    driver.finish(minutes(0), "failure")
    driver.finish(minutes(60), "skipped")
    assert driver.status.failures == 1


def test_a_long_silence_is_told_once_and_the_clock_is_set_right() -> None:
    driver = Driver()
    driver.finish(minutes(0))
    assert driver.pass_time(minutes(600)) == [minutes(60)]
    assert driver.status.due_at is not None
    assert driver.status.due_at > minutes(590)
    assert driver.states == ["healthy", "missed"]


def test_starts_without_an_end_do_not_pile_up() -> None:
    driver = Driver()
    first = driver.start(minutes(0))
    for index in range(1, MOST_OPEN_RUNS + 1):
        driver.start(minutes(index))
    assert [run.run_id for run in surplus_runs(driver.status)] == [first]
    assert len(driver.status.open_runs) == MOST_OPEN_RUNS


def test_every_change_has_a_version_of_its_own() -> None:
    driver = Driver()
    driver.finish(minutes(0))
    driver.finish(minutes(60), "failure")
    driver.finish(minutes(120))
    assert driver.status.version == len(driver.states) == 3
