"""Somebody is woken up when a run is missed or fails, and told when it is over."""

import time
from collections.abc import Callable
from datetime import datetime

from harness.mail import Letter, MailSink
from harness.narrative import Story
from harness.tenant import Tenant, ping
from harness.waiting import eventually

Register = Callable[[str], Tenant]
GRACE = 1
NEXT_MINUTE = 62


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def assert_thread(opened: Letter, resolved: Letter) -> None:
    """Mail programs show the two together."""
    assert resolved.message["In-Reply-To"] == opened.id
    assert opened.id in resolved.message["References"].split()
    assert opened.message["In-Reply-To"] is None
    assert resolved.id != opened.id


def test_missed_run(register: Register, mail: MailSink, story: Story) -> None:
    """A run that does not come: incident, email, and the email that it is over"""
    tenant = register("missed")
    url = tenant.put_job("default/backup", {"schedule": "* * * * *", "grace": f"{GRACE}s"})["ping_url"]
    assert ping(url).status_code == 200
    instance = eventually(
        lambda: (found := tenant.instance("default/backup"))["deadline_at"] and found,
        "the instance has a deadline",
        within=5,
    )
    due, deadline = unix(instance["due_at"]), unix(instance["deadline_at"])
    assert deadline - due == GRACE

    incident = tenant.incident("default/backup", "open", within=deadline - time.time() + 10)
    story.took("deadline → incident open and visible", time.time() - deadline, limit=5)
    letter = mail.await_letter(tenant.email, "missed", within=10)
    story.took("slot due → email", letter.arrived_at - due, limit=GRACE + 5)
    assert incident["kind"] == "missed"
    assert letter.arrived_at >= deadline, "nobody is woken up before the grace is over"
    assert "default/backup" in letter.subject
    assert f"/incidents/{incident['id']}" in letter.text
    assert [run["slot_at"] for run in tenant.runs("default/backup", state="missed")][-1] == instance["due_at"]
    assert tenant.get("/jobs/default/backup")["state"] == "missed"

    began = time.time()
    assert ping(url).status_code == 200
    resolved = tenant.incident("default/backup", "resolved", within=5)
    story.took("recovery ping → incident resolved", time.time() - began, limit=5)
    over = mail.await_letter(tenant.email, "Resolved", within=5)
    story.took("recovery ping → email", over.arrived_at - began, limit=5)
    assert resolved["id"] == incident["id"]
    assert resolved["resolved_at"] is not None
    assert_thread(letter, over)
    assert [each.subject for each in mail.to(tenant.email)] == [letter.subject, over.subject]


def test_failing_run(register: Register, mail: MailSink, story: Story) -> None:
    """A run that fails: one incident and one email, however often it fails; then the all-clear"""
    tenant = register("failing")
    url = tenant.put_job("default/report", {"schedule": "0 3 * * *"})["ping_url"]

    began = time.time()
    ping(url, "3", body="disk full\n")
    incident = tenant.incident("default/report", "open", within=5)
    story.took("failed run → incident", time.time() - began, limit=5)
    letter = mail.await_letter(tenant.email, "failing", within=5)
    story.took("failed run → email", letter.arrived_at - began, limit=5)
    story.tell(f"“{letter.subject}”: {incident['cause']}")
    assert incident["kind"] == "failing"
    assert "exit code 3" in incident["cause"]

    ping(url, "fail")
    eventually(lambda: len(tenant.runs("default/report")) == 2, "the second failure", within=5)

    began = time.time()
    ping(url)
    tenant.incident("default/report", "resolved", within=5)
    over = mail.await_letter(tenant.email, "Resolved", within=5)
    story.took("recovery ping → email", over.arrived_at - began, limit=5)
    assert_thread(letter, over)
    assert len(mail.to(tenant.email)) == 2, "one when it broke, one when it was over"
    events = [event["kind"] for event in tenant.get(f"/incidents/{incident['id']}")["events"]]
    assert events.count("opened") == events.count("resolved") == 1
    assert tenant.get("/jobs/default/report")["state"] == "healthy"
