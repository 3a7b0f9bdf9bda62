"""Channels, deliveries, incidents, routes and windows against the real service."""

from pathlib import Path

import httpx
from cli_tests.real_server import Ok
from cli_tests.receiving import Receiver
from cli_tests.running import Crontopus

ROUTE = """\
apiVersion: crontopus/v1
kind: AlertRoute
metadata: {name: nights}   # who is woken
spec:
  channels: [hook]
"""


def test_channels(ok: Ok, crontopus: Crontopus, receiver: Receiver, tmp_path: Path) -> None:
    assert [channel["name"] for channel in ok.data("channels", "list")] == ["Owners"]
    (tmp_path / "key").write_text("s3cret\n")
    made = crontopus(
        "channels", "create", "Hook", "--kind", "webhook", "--per-minute", "60",
        "-s", f"url={receiver.url}", "-s", f"headers.X-Api-Key=@{tmp_path / 'key'}", "-s", "template=@-",
        stdin='{"type": "test"}\n',
    )  # fmt: skip
    assert made.code == 0, made.err
    assert "State           unverified\n" in made.out
    assert "Secrets         headers, signing_secret\n" in made.out
    assert "Signing secret  whsec_" in made.out
    assert "not shown again" in made.err
    assert "crontopus channels test" in made.err
    assert "s3cret" not in made.out

    receiver.status = 500
    refused = crontopus("channels", "test", "Hook")
    assert (refused.code, refused.out.splitlines()[1].split()[0]) == (1, "refused")
    receiver.status = 204
    assert ok("channels", "test", "Hook").splitlines()[1].split()[0] == "taken"
    assert receiver.next("test")
    shown = ok("channels", "show", "Hook")
    assert "State         ready\n" in shown
    assert "Signing secret" not in shown
    again = crontopus("channels", "create", "Hook", "--kind", "ntfy", "-s", "topic=x")
    assert (again.code, again.out) == (1, "")

    emails = ok.data(
        "channels", "create", "Team", "--kind", "email", "-s", "to=a@example.com", "-s", "to=b@example.com"
    )
    assert emails["config"]["to"] == ["a@example.com", "b@example.com"]
    assert crontopus("channels", "create", "x", "--kind", "slack", "-s", "channel").code == 2
    missing = crontopus("channels", "create", "x", "--kind", "slack", "-s", "channel=C0")
    assert (missing.code, "token" in missing.err) == (1, True)

    assert crontopus("channels", "delete", "Team").code == 2  # nobody to ask
    ok("channels", "delete", "Team", "Hook", "--yes")
    assert [channel["name"] for channel in ok.data("channels", "list")] == ["Owners"]
    assert crontopus("channels", "delete", "Owners", "--yes").code == 1


def test_from_a_failure_to_its_delivery(ok: Ok, crontopus: Crontopus, receiver: Receiver) -> None:
    ok("channels", "create", "Hook", "--kind", "webhook", "-s", f"url={receiver.url}", "--default")
    ok("channels", "test", "Hook")
    job = "apiVersion: v1\nkind: Job\nmetadata: {name: a}\nspec:\n  schedule: 0 2 * * *\n"
    ok("jobs", "apply", "-f", "-", stdin=job)
    httpx.post(f"{ok.data('jobs', 'get', 'a')['ping_url']}/fail", trust_env=False).raise_for_status()
    incident = receiver.next("incident.opened")["incident"]["id"]

    assert [each["id"] for each in ok.data("incidents", "list")] == [incident]
    assert "default/a" in ok("incidents", "list")
    shown = ok("incidents", "show", incident)
    assert "Kind" in shown
    assert "opened" in shown
    assert "acknowledged" in ok("incidents", "acknowledge", incident)
    assert receiver.next("incident.acknowledged")["incident"]["id"] == incident
    ok("incidents", "snooze", incident, "--for", "30m")
    assert "Snoozed" in ok("incidents", "show", incident)
    assert crontopus("incidents", "snooze", incident, "--for", "31d").code == 1

    deliveries = ok.data("deliveries", "list", "--channel", "Hook", "--incident", incident)
    assert {delivery["event"] for delivery in deliveries} == {"opened", "acknowledged"}
    assert ok.data("deliveries", "list", "--state", "failed") == []
    opened = next(each["id"] for each in deliveries if each["event"] == "opened")
    assert "Event     opened\n" in ok("deliveries", "show", opened)
    again = crontopus("deliveries", "resend", opened)
    assert (again.code, again.out) == (1, "")


def test_routes_are_files(ok: Ok, crontopus: Crontopus, tmp_path: Path) -> None:
    file = tmp_path / "route.yaml"
    file.write_text(ROUTE)
    planned = ok("routes", "apply", "-f", str(file), "--dry-run")
    assert planned.startswith("+ .crontopus/routes/nights.yaml  (AlertRoute)\n")
    assert crontopus("routes", "show", "nights").code == 1

    [applied] = ok.data("routes", "apply", "-f", str(file), "-m", "Wake them")
    assert (applied["result"], applied["name"]) == ("applied", "nights")
    assert ok("routes", "show", "nights") == ROUTE
    assert ok.data("routes", "show", "nights")["commit"] == applied["commit"]
    assert ok.data("routes", "apply", "-f", "-", stdin=ROUTE)[0]["result"] == "unchanged"

    file.write_text(ROUTE.replace("channels", "chanels"))
    wrong = crontopus("routes", "apply", "-f", str(file))
    assert (wrong.code, wrong.out) == (1, "")
    assert f"{file}:5:3: " in wrong.err
    assert wrong.err.endswith("Nothing was applied.\n")
    job = "kind: Job\nmetadata: {name: a}\n"
    assert crontopus("routes", "apply", "-f", "-", stdin=job).code == 2
    assert crontopus("routes", "apply", "-f", str(tmp_path / "none")).code == 1

    assert crontopus("routes", "delete", "nights").code == 2  # nobody to ask
    ok("routes", "delete", "nights", "--yes")
    assert crontopus("routes", "delete", "nights", "--yes").code == 1


def test_windows_begin_and_end(ok: Ok, crontopus: Crontopus) -> None:
    arguments = ["--for", "2h", "-l", "role=db", "-n", "production", "--reason", "new disks"]
    planned = ok("windows", "start", *arguments, "--dry-run")
    assert "reason: new disks" in planned
    assert ok.data("documents", "list") == []

    [started] = ok.data("windows", "start", *arguments, "-m", "Disks")
    assert started["result"] == "started"
    spec = ok.data("windows", "show", started["name"])["manifest"]["spec"]
    assert spec["match"] == {"namespaces": ["production"], "matchLabels": {"role": "db"}}
    assert spec["end"] == started["end"]
    assert " UTC (in " in ok("windows", "start", "--all", "--for", "90m")

    assert "-  end: " in ok("windows", "end", started["name"], "--dry-run")
    [ended] = ok.data("windows", "end", started["name"])
    assert (ended["result"], ended["end"] < started["end"]) == ("ended", True)
    assert ok.data("windows", "end", started["name"])[0]["result"] == "unchanged"

    ok("windows", "start", "--start", "1h", "--until", "2h", "--all", "--name", "later")
    early = crontopus("windows", "end", "later")
    assert (early.code, "has not begun" in early.err) == (1, True)
    ok("windows", "delete", "later", "--yes")
    assert crontopus("windows", "show", "later").code == 1


def test_unlock_an_endpoint(ok: Ok, crontopus: Crontopus, address: str) -> None:
    token = ok.data("enroll-token", "create")["secret"]
    about = {
        "hostname": "web-1",
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "1",
        "machine_id": "m",
    }
    body = {"token": token, "public_key": "A" * 43 + "=", **about}
    httpx.post(f"{address}/api/v1/endpoints/enroll", json=body, trust_env=False).raise_for_status()

    refused = crontopus("endpoints", "unlock", "web-1", "--yes")
    assert (refused.code, refused.err.splitlines()[0]) == (1, "Error: The endpoint is not locked.")
