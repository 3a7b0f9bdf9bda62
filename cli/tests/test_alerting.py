"""`incidents`, `routes`, `windows`, `deliveries` and `endpoints unlock`, against answers in the API's shapes."""

import json
from datetime import UTC, datetime

import pytest
from cli_tests.fake_alerts import CHANNELS, ROUTE, TRIED, WINDOWS, folded
from cli_tests.fake_server import FakeServer
from cli_tests.running import Crontopus

from crontopus_cli import words

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
INCIDENT = folded()["id"]


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "now", lambda: NOW)


@pytest.fixture(autouse=True)
def one_incident(server: FakeServer) -> None:
    server.incidents = [folded()]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def _row(table: str) -> list[str]:
    """The first."""
    return _cells(table.splitlines()[1])


def test_incidents_are_filtered_by_the_server(crontopus: Crontopus, signed_in: FakeServer) -> None:
    arguments = ["--state", "all", "--kind", "missed", "--severity", "critical", "-j", "hello", "--top"]
    crontopus("incidents", "list", *arguments, "--endpoint", "db-1", "--parent", INCIDENT)

    assert signed_in.requests[-1][1] == (
        "/incidents?kind=missed&severity=critical&job=default%2Fhello"
        f"&endpoint={signed_in.endpoints[0]['id']}&parent={INCIDENT}&top=true&limit=51"
    )


def test_an_incident_is_shown_with_its_timeline(crontopus: Crontopus, signed_in: FakeServer) -> None:
    signed_in.incidents = [folded(muted=True, acknowledged_at="2026-11-22T11:00:00Z", acknowledged_by="ada")]
    shown = crontopus("incidents", "show", INCIDENT).out

    assert "Cause         the endpoint is off\n" in shown
    assert "Acknowledged  2026-11-22 11:00:00 UTC (60m ago) by ada\n" in shown
    assert "Muted         yes\n" in shown
    assert "Folds         3 other incidents\n" in shown
    assert "Flapping" not in shown
    assert shown.endswith("33h ago  folded  3 jobs\\x1b of db-1\n")
    assert json.loads(crontopus("incidents", "show", INCIDENT, "-o", "json").out)["children"] == 3


@pytest.mark.parametrize(
    ("arguments", "act", "body", "result"),
    [
        (["acknowledge"], "acknowledge", {}, "acknowledged"),
        (["snooze", "--for", "4h"], "snooze", {"duration_seconds": 14_400}, "snoozed"),
        (["mute"], "mute", {}, "muted"),
        (["unmute"], "unmute", {}, "unmuted"),
        (["resolve"], "resolve", {}, "resolved"),
    ],
)
def test_what_people_do_about_incidents(
    crontopus: Crontopus,
    signed_in: FakeServer,
    arguments: list[str],
    act: str,
    body: dict[str, object],
    result: str,
) -> None:
    done = crontopus("incidents", *arguments, INCIDENT, "nope")

    assert (done.code, done.err) == (1, "nope: there is no such incident\n")
    assert _row(done.out) == [result, INCIDENT]
    assert signed_in.requests[0] == ("POST", f"/incidents/{INCIDENT}/{act}", body)


def test_a_comment_may_come_from_standard_input(crontopus: Crontopus, signed_in: FakeServer) -> None:
    assert crontopus("incidents", "comment", INCIDENT, "-", stdin="The disk\nwas full.\n").code == 0
    assert signed_in.requests[0][2] == {"text": "The disk\nwas full."}
    assert crontopus("incidents", "comment", INCIDENT, " ").code == 2


def test_routes_are_listed_with_what_is_wrong(crontopus: Crontopus, signed_in: FakeServer) -> None:
    assert _row(crontopus("routes", "list").out) == [
        "nights", "yes", "production/*, team=db", "critical", "On call, gone", "stop",
        "there is no channel `gone`: told to the default channels", ".crontopus/routes/nights.yaml",
    ]  # fmt: skip
    assert json.loads(crontopus("routes", "list", "-o", "json").out) == [ROUTE]


def test_who_would_be_told(crontopus: Crontopus, signed_in: FakeServer) -> None:
    shown = crontopus("routes", "test", "production/nightly-backup", "--at", "2h").out.splitlines()

    assert signed_in.requests[0][2] == {"job": "production/nightly-backup", "at": "2026-11-22T14:00:00Z"}
    assert shown[:2] == ["Incident   failing", "Severity   critical"]
    assert "Reminded   every 4h" in shown
    told = [_cells(line) for line in shown]
    assert ["On call", "pagerduty", "PagerDuty (us)", "nights", "in 6h", "quiet hours"] in told
    assert ["15m", "Boss", "nights"] in told
    assert ["days", "no", "only for severity info"] in told
    assert json.loads(crontopus("routes", "test", "hello", "-o", "json").out) == TRIED


@pytest.mark.parametrize(
    ("default", "matched", "words"),
    [
        (False, True, "routes"),
        (True, True, "routes and the default channels"),
        (True, False, "the default channels, as no route takes it"),
    ],
)
def test_who_tells_is_said(
    crontopus: Crontopus,
    signed_in: FakeServer,
    monkeypatch: pytest.MonkeyPatch,
    default: bool,
    matched: bool,
    words: str,
) -> None:
    monkeypatch.setitem(TRIED, "default_route", default)
    monkeypatch.setitem(TRIED, "routes", [{"name": "nights", "matched": matched, "why": "so"}])
    assert f"Told by    {words}\n" in crontopus("routes", "test", "hello").out


def test_who_would_be_told_without_a_job(crontopus: Crontopus, signed_in: FakeServer) -> None:
    crontopus("routes", "test", "--kind", "endpoint_offline", "-n", "production", "-l", "team=db")

    assert signed_in.requests[0][2] == {
        "kind": "endpoint_offline",
        "severity": "error",
        "namespace": "production",
        "labels": {"team": "db"},
    }
    assert crontopus("routes", "test", "hello", "-l", "team=db").code == 2


def test_windows_say_when(crontopus: Crontopus, signed_in: FakeServer) -> None:
    lines = crontopus("windows", "list").out.splitlines()

    path = ".crontopus/windows/{}.yaml".format
    assert [_cells(line) for line in lines[1:]] == [
        ["open", "disks", "in 2h", "-", "all jobs", "new disks", path("disks")],
        ["planned", "sundays", "-", "in 6d", "batch/*", "-", path("sundays")],
        ["over", "was", "-", "-", "all jobs", "-", path("was")],
    ]
    assert json.loads(crontopus("windows", "list", "-o", "json").out) == WINDOWS


@pytest.mark.parametrize(
    "arguments",
    [
        ["--for", "2h"],
        ["--all"],
        ["--all", "--for", "2h", "--until", "2026-11-23"],
        ["--all", "--namespace", "a", "--for", "2h"],
        ["--all", "--for", "soon"],
        ["--label", "x", "--for", "2h"],
    ],
)
def test_a_window_needs_jobs_and_an_end(
    crontopus: Crontopus, signed_in: FakeServer, arguments: list[str]
) -> None:
    assert crontopus("windows", "start", *arguments).code == 2
    assert signed_in.requests == []


def test_deliveries_are_resent(crontopus: Crontopus, signed_in: FakeServer) -> None:
    assert _row(crontopus("deliveries", "resend", "d1").out) == ["resent", "d1"]
    assert signed_in.requests == [("POST", "/deliveries/d1/resend", {})]


def test_a_channel_is_found_by_its_name(crontopus: Crontopus, signed_in: FakeServer) -> None:
    crontopus("deliveries", "list", "--channel", "Owners")
    assert signed_in.requests[-1][1] == f"/deliveries?channel_id={CHANNELS[0]['id']}&limit=51"

    twice = crontopus("channels", "test", "twice")
    assert (twice.code, twice.err.splitlines()[0]) == (1, "Error: 2 channels are called twice")
    nobody = crontopus("channels", "test", "nobody")
    assert (nobody.code, nobody.err.splitlines()[0]) == (1, "Error: there is no channel nobody")


def test_an_endpoint_is_unlocked_by_its_name(crontopus: Crontopus, signed_in: FakeServer) -> None:
    identifier = signed_in.endpoints[0]["id"]
    assert crontopus("endpoints", "unlock", "db-1").code == 2  # nobody to ask
    done = crontopus("endpoints", "unlock", "db-1", "--yes")
    assert _row(done.out)[:2] == ["db-1", "offline"]
    assert signed_in.requests[-1] == ("POST", f"/endpoints/{identifier}/unlock", {})
