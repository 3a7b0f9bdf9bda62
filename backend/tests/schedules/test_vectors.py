"""contract/vectors/schedule, run whole. The Go evaluator runs the same files."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crontopus_api.schedules import Schedule, ScheduleInvalid

from .debian_cron import firings

FOLDER = Path(__file__).parents[3] / "contract/vectors/schedule"
COUNT = 241
SHAPES = [
    {"name", "schedule", "timezone", "after", "next"},
    {"name", "schedule", "timezone", "after", "next", "anchor"},
    {"name", "schedule", "timezone", "at", "previous"},
    {"name", "schedule", "timezone", "error"},
]


def _load() -> list[dict[str, Any]]:
    cases = []
    for file in sorted(FOLDER.glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        assert document.keys() == {"format", "cases"}, file
        assert document["format"] == "crontopus/schedule-vectors/1", file
        cases += document["cases"]
    return cases


CASES = _load()


def _name(case: dict[str, Any]) -> str:
    return str(case["name"])


def test_the_count_is_known_and_names_are_unique() -> None:
    assert len(CASES) == COUNT
    assert len({case["name"] for case in CASES}) == COUNT


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_vector(case: dict[str, Any]) -> None:
    assert case.keys() - {"why"} in SHAPES, "unknown or missing fields"
    if "error" in case:
        with pytest.raises(ScheduleInvalid) as caught:
            Schedule.parse(case["schedule"], case["timezone"])
        assert {"code": caught.value.code, "index": caught.value.index} == case["error"]
        return
    schedule = Schedule.parse(case["schedule"], case["timezone"])
    if "anchor" in case:
        schedule = schedule.anchored(datetime.fromisoformat(case["anchor"]))
    if "previous" in case:
        found = schedule.previous_at_or_before(datetime.fromisoformat(case["at"]))
        assert found is not None
        assert _written(found, case) == case["previous"]
        return
    after = datetime.fromisoformat(case["after"])
    slots = islice(_following(schedule, after), len(case["next"]))
    assert [_written(slot, case) for slot in slots] == case["next"]


def _following(schedule: Schedule, after: datetime) -> Any:
    while (slot := schedule.next_after(after)) is not None:
        yield slot
        after = slot


def _written(instant: datetime, case: dict[str, Any]) -> dict[str, str]:
    local = instant.astimezone(ZoneInfo(case["timezone"])).isoformat()
    return {"at": instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "local": local}


def _in_reach(case: dict[str, Any]) -> bool:
    """`every` is not cron's business, and the oracle looks at every single minute."""
    if "next" not in case or any(expression.startswith("every") for expression in case["schedule"]):
        return False
    last = datetime.fromisoformat(case["next"][-1]["at"])
    return last - datetime.fromisoformat(case["after"]) <= timedelta(days=35)


ORACLE_CASES = [case for case in CASES if _in_reach(case)]


def test_most_slot_cases_are_within_the_oracles_reach() -> None:
    assert len(ORACLE_CASES) >= 100


@pytest.mark.parametrize("case", ORACLE_CASES, ids=_name)
def test_debian_agrees_with_the_vector(case: dict[str, Any]) -> None:
    """The expected values themselves, against the minute-by-minute oracle."""
    after = datetime.fromisoformat(case["after"])
    last = datetime.fromisoformat(case["next"][-1]["at"])
    expected = sorted({t for e in case["schedule"] for t in firings(e, case["timezone"], after, last)})
    assert [slot["at"] for slot in case["next"]] == [t.strftime("%Y-%m-%dT%H:%M:%SZ") for t in expected]
