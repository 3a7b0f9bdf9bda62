"""Who would be told, when windows are open, and what people do about incidents, against the real service."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cli_tests.real_server import Ok
from cli_tests.receiving import Receiver
from cli_tests.running import Crontopus

ROUTE = """\
apiVersion: crontopus/v1
kind: AlertRoute
metadata: {name: nights}
spec:
  match: {namespaces: [production]}
  channels: [Owners]
"""
JOB = "apiVersion: v1\nkind: Job\nmetadata: {name: a, namespace: production}\nspec:\n  schedule: 0 2 * * *\n"


def test_who_would_be_told(ok: Ok, crontopus: Crontopus) -> None:
    ok("routes", "apply", "-f", "-", stdin=ROUTE)
    ok("jobs", "apply", "-f", "-", stdin=JOB)
    assert ok("routes", "list").splitlines()[1].split()[:4] == ["nights", "yes", "production/*", "-"]
    told = ok.data("routes", "test", "production/a")
    assert [(each["channel"], each["route"], each["held_until"]) for each in told["targets"]] == [
        ("Owners", "nights", None)
    ]
    assert "Told by    routes\n" in ok("routes", "test", "production/a")
    assert "no route takes it" in ok("routes", "test", "--kind", "endpoint_offline", "--severity", "critical")
    assert crontopus("routes", "test", "production/none").code == 1


def test_an_open_window_is_seen(ok: Ok) -> None:
    ok("jobs", "apply", "-f", "-", stdin=JOB)
    # A window lasts a second at least: one that began just now would still be open after its end.
    began = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    [started] = ok.data("windows", "start", "--start", began, "--for", "3h", "-n", "production")
    ok("windows", "start", "--start", "1h", "--for", "1h", "--all", "--name", "later")
    states = {line.split()[1]: line.split()[0] for line in ok("windows", "list").splitlines()[1:]}
    assert states == {started["name"]: "open", "later": "planned"}
    held = ok.data("routes", "test", "production/a")["targets"][0]["held_until"]
    assert held is not None
    assert ok.data("routes", "test", "production/a", "--at", "5h")["targets"][0]["held_until"] is None
    ok("windows", "end", started["name"])
    assert "over" in ok("windows", "list")


def test_what_people_do_about_an_incident(ok: Ok, opened: str) -> None:
    assert "muted" in ok("incidents", "mute", opened)
    assert "Muted" in ok("incidents", "show", opened)
    ok("incidents", "unmute", opened)
    ok("incidents", "comment", opened, "The disk\nwas full.")
    assert "The disk was full." in ok("incidents", "show", opened)
    ok("incidents", "resolve", opened)
    assert ok.data("incidents", "list") == []
    assert ok.data("incidents", "show", opened)["state"] == "resolved"


def test_incidents_are_filtered(ok: Ok, opened: str) -> None:
    def found(*arguments: str) -> list[str]:
        return [incident["id"] for incident in ok.data("incidents", "list", *arguments)]

    assert found("-j", "production/a", "--kind", "failing", "--severity", "error", "--top") == [opened]
    assert found("--kind", "missed") == found("--severity", "critical") == found("--parent", opened) == []


@pytest.fixture
def opened(ok: Ok, receiver: Receiver) -> str:
    """The id of an incident of `production/a`."""
    ok("channels", "create", "Hook", "--kind", "webhook", "-s", f"url={receiver.url}", "--default")
    ok("channels", "test", "Hook")
    ok("jobs", "apply", "-f", "-", stdin=JOB)
    ping = ok.data("jobs", "get", "production/a")["ping_url"]
    httpx.post(f"{ping}/fail", trust_env=False).raise_for_status()
    return str(receiver.next("incident.opened")["incident"]["id"])
