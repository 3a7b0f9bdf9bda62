"""contract/vectors/render: do the entries that the agent writes start jobs at the server's slots?

The agent's own runner (agent/pkg/scheduler/vectors_test.go) holds its renderers to the same files.
"""

from __future__ import annotations

import json
import plistlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crontopus_api.schedules import Schedule

from . import native_schedulers
from .native_schedulers import Span

FOLDER = Path(__file__).parents[3] / "contract/vectors/render"
COUNT = 209
RESULTS = {"exact", "gated", "refused"}
FIELDS = {"name", "why", "make", "user", "system", "schedule", "timezone", "machine", "body"} | RESULTS
LAUNCHD_KEYS = {
    "Label": str,
    "ProgramArguments": list,
    "UserName": str,
    "RunAtLoad": bool,
    "AbandonProcessGroup": bool,
    "StartCalendarInterval": list,
}


def _load() -> list[dict[str, Any]]:
    cases = []
    for file in sorted(FOLDER.glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        assert document.keys() == {"format", "platform", "cases"}, file
        assert document["format"] == "crontopus/render-vectors/1", file
        cases += [{"platform": document["platform"], **case} for case in document["cases"]]
    return cases


CASES = _load()


def _name(case: dict[str, Any]) -> str:
    return f"{case['platform']}: {case['name']}"


def test_the_count_is_known_and_names_are_unique() -> None:
    assert len(CASES) == COUNT
    assert len({_name(case) for case in CASES}) == COUNT
    kinds = Counter((case["platform"], *(case.keys() & RESULTS)) for case in CASES)
    assert all(kinds[platform, kind] for platform in ("cron", "launchd", "schtasks") for kind in RESULTS), (
        kinds
    )


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_shape(case: dict[str, Any]) -> None:
    assert case.keys() - {"platform"} <= FIELDS, "unknown fields"
    assert len(case.keys() & RESULTS) == 1
    assert ("make" in case) == (case["platform"] == "cron")
    Schedule.parse(case["schedule"], case["timezone"])


@pytest.mark.parametrize("case", [case for case in CASES if "refused" not in case], ids=_name)
def test_starts_are_slots(case: dict[str, Any]) -> None:
    for span in _spans(case["timezone"], case["machine"]):
        starts = Counter(_starts(case, span))
        slots = _slots(tuple(case["schedule"]), case["timezone"], span)
        if "exact" in case:
            assert starts == Counter(slots)
        else:
            assert set(slots) <= starts.keys()


def _starts(case: dict[str, Any], span: Span) -> Any:
    triggers = case.get("exact") or case["gated"]
    if case["platform"] == "cron":
        return native_schedulers.cron(case["make"], triggers, case["machine"], span)
    return getattr(native_schedulers, case["platform"])(triggers, case["machine"], span)


@lru_cache(maxsize=1024)
def _slots(schedule: tuple[str, ...], timezone: str, span: Span) -> list[datetime]:
    parsed = Schedule.parse(list(schedule), timezone)
    out = []
    at = parsed.next_after(span[0] - timedelta(seconds=1))
    while at is not None and at < span[1]:
        out.append(at)
        at = parsed.next_after(at)
    return out


@lru_cache(maxsize=64)
def _spans(*zones: str) -> tuple[Span, ...]:
    """A day on either side of each jump of 2027, and days on which months end and weekdays matter."""
    begin = datetime(2027, 1, 1, tzinfo=UTC)
    middles = [
        datetime(2027, 3, 1, tzinfo=UTC),
        datetime(2027, 5, 31, tzinfo=UTC),
        datetime(2028, 2, 29, tzinfo=UTC),
    ]
    for zone in map(ZoneInfo, zones):
        hours = [begin + timedelta(hours=hour) for hour in range(365 * 24)]
        offsets = [hour.astimezone(zone).utcoffset() for hour in hours]
        middles += [hours[i] for i in range(1, len(hours)) if offsets[i] != offsets[i - 1]]
    days = {middle.replace(hour=0) for middle in middles}
    friday_13th = (datetime(2027, 8, 8, tzinfo=UTC), datetime(2027, 8, 16, tzinfo=UTC))
    return (*((day - timedelta(days=1), day + timedelta(days=2)) for day in sorted(days)), friday_13th)


def test_simulated_schedulers_can_fail() -> None:
    """The spans tell a wrong hour, a missing day and a doubled start from right ones."""
    case = {
        "platform": "launchd",
        "schedule": ["30 2 * * *"],
        "timezone": "Europe/Berlin",
        "machine": "Europe/Berlin",
    }
    for wrong in (
        ["<dict><key>Hour</key><integer>3</integer><key>Minute</key><integer>30</integer></dict>"],
        ["<dict><key>Hour</key><integer>2</integer><key>Minute</key><integer>30</integer></dict>"] * 2,
        [
            "<dict><key>Hour</key><integer>2</integer><key>Minute</key><integer>30</integer></dict>"
        ],  # the jump
    ):
        with pytest.raises(AssertionError):
            test_starts_are_slots({**case, "exact": wrong})


@pytest.mark.parametrize("case", [c for c in CASES if c["platform"] == "launchd" and "body" in c], ids=_name)
def test_property_lists(case: dict[str, Any]) -> None:
    loaded = plistlib.loads("\n".join(case["body"]).encode(), fmt=plistlib.FMT_XML)
    for key, value in loaded.items():
        assert type(value) is LAUNCHD_KEYS[key], key
    assert ("UserName" in loaded) == ("user" in case)
    assert not loaded["RunAtLoad"]
    assert loaded["Label"].startswith("dev.crontopus.")
    assert all(isinstance(argument, str) and argument for argument in loaded["ProgramArguments"])
    assert loaded["ProgramArguments"][0].startswith("/")
    for interval in loaded["StartCalendarInterval"]:
        native_schedulers.check_interval(interval)
