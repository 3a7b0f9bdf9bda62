"""contract/vectors/checkin, run whole: what a sequence of events does to an instance."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from crontopus_api.checkins.engine import (
    Finish,
    Outage,
    Start,
    Status,
    answered_slots,
    on_deadline,
    on_finish,
    on_start,
)
from crontopus_api.jobs.expectation import Expectation
from crontopus_api.jobs.windows import Window

FOLDER = Path(__file__).parents[3] / "contract/vectors/checkin"
COUNT = 188
CASE = {"name", "why", "job", "created", "usual", "outages", "events"}
JOB = {
    "mode": "ping",
    "timezone": "UTC",
    "grace_seconds": 300,
    "timeout_seconds": None,
    "failure_threshold": 1,
    "recovery_threshold": 1,
    "paused": False,
    "concurrency": "allow",
    "windows": [],
}
EVENTS = {
    "start": {"now", "kind", "run", "at", "then"},
    "finish": {"now", "kind", "run", "at", "outcome", "exit_code", "started_at", "then"},
    "deadline": {"now", "kind", "then"},
}
NOTHING: dict[str, list[Any]] = {
    "changes": [],
    "missed": [],
    "forgiven": [],
    "lost": [],
    "retracts": [],
    "warnings": [],
}
ALWAYS = {"state", *NOTHING}


def _load() -> Iterator[dict[str, Any]]:
    for file in sorted(FOLDER.glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        assert document.keys() == {"format", "cases"}, file
        assert document["format"] == "crontopus/checkin-vectors/1", file
        yield from document["cases"]


CASES = list(_load())


def _name(case: dict[str, Any]) -> str:
    return str(case["name"])


def test_the_count_is_known_and_names_are_unique() -> None:
    assert len(CASES) == COUNT
    assert len({case["name"] for case in CASES}) == COUNT


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_vector(case: dict[str, Any]) -> None:
    assert case.keys() <= CASE, "unknown fields"
    replay = Replay(case)
    for event in case["events"]:
        assert event.keys() <= EVENTS[event["kind"]], f"unknown fields in {event}"
        then = event["then"]
        assert then.keys() <= {*ALWAYS, "due", "deadline"}, f"unknown fields in {then}"
        found = replay.apply(event)
        wanted = NOTHING | then
        assert {key: found[key] for key in wanted} == wanted, f"at {event['now']} ({event['kind']})"


class Replay:
    """One instance from its making on, at the mercy of events."""

    def __init__(self, case: dict[str, Any]) -> None:
        assert case["job"].keys() <= {*JOB, "schedule"}, "unknown fields"
        self.expected = _expectation(case["job"])
        created = _time(case["created"])
        due = self.expected.next_due(created, None)
        state = "paused" if self.expected.paused else "new"
        self.status = Status(state, created, 0, due, self.expected.deadline(due, None))
        if "usual" in case:
            assert case["usual"].keys() == {"ms", "runs"}
            self.status.usual_ms, self.status.usual_runs = case["usual"]["ms"], case["usual"]["runs"]
        self.outages = [
            Outage(_time(each["began_at"]), _time(each["ended_at"])) for each in case.get("outages", [])
        ]
        self._unnamed = 0

    def apply(self, event: dict[str, Any]) -> dict[str, Any]:
        now = _time(event["now"])
        found: dict[str, Any] = {key: [] for key in NOTHING}
        if event["kind"] == "deadline":
            passed = on_deadline(self.status, self.expected, now, self.outages)
            changes = passed.changes
            found["missed"] = [_text(slot) for slot in passed.missed]
            found["forgiven"] = [_text(slot) for slot in passed.forgiven]
            found["lost"] = [self._names[lost.run.run_id] for lost in passed.lost]
        else:
            found["retracts"], changes = self._report(event, now)
        found["changes"] = [
            {"from": change.from_state, "to": change.to_state, "reason": change.reason} for change in changes
        ]
        found["warnings"] = [warning["code"] for warning in self.status.warnings]
        found["state"] = self.status.state
        found["due"], found["deadline"] = _text(self.status.due_at), _text(self.status.deadline_at)
        return found

    def _report(self, event: dict[str, Any], now: datetime) -> tuple[list[str | None], list[Any]]:
        at = _time(event.get("at", event["now"]))
        run_id = self._run_id(event.get("run"))
        began = _time(event["started_at"]) if "started_at" in event else None
        retracts: list[str | None] = []
        if all(run.run_id != run_id for run in self.status.open_runs):
            slots = answered_slots(self.status, self.expected, began or at, now)
            retracts = [_text(slot) for slot in slots]
        if event["kind"] == "start":
            return retracts, on_start(self.status, self.expected, Start(run_id, at, at), now)
        finish = Finish(run_id, at, event.get("outcome", "success"), event.get("exit_code"), began)
        return retracts, on_finish(self.status, self.expected, finish, now)

    def _run_id(self, name: str | None) -> UUID:
        if name is None:
            self._unnamed += 1
        return uuid5(UUID(int=0), name or str(self._unnamed))

    @property
    def _names(self) -> dict[UUID, str]:
        return {uuid5(UUID(int=0), name): name for name in "abcdefgh"}


def _expectation(job: dict[str, Any]) -> Expectation:
    values = JOB | job
    windows = [
        Window(**({key: _offset(value) for key, value in window.items()})) for window in values.pop("windows")
    ]
    schedule = tuple(values.pop("schedule"))
    return Expectation(**values, schedule=schedule, severity="error", windows=tuple(windows))


def _offset(value: Any) -> Any:
    return value.replace("Z", "+00:00") if isinstance(value, str) and value.endswith("Z") else value


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")
