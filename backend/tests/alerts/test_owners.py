"""The channel that is there from the first minute: an email to every owner."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import time_machine
from sqlalchemy import text

from crontopus_api.alerts.channels.email import EmailMedium
from crontopus_api.alerts.channels.notification import Notification
from crontopus_api.alerts.routing import owners_id

from ..platform import Person, Platform, running_platform
from .acting import deliver, fail, rows, settle, states, work
from .mail import Sink, part

pytestmark = pytest.mark.usefixtures("apart")


async def test_it_comes_with_the_tenant(platform: Platform, ada: Person) -> None:
    [owners] = (await ada.get("/channels"))["items"]
    assert (owners["name"], owners["builtin"], owners["default"], owners["state"]) == (
        "Owners",
        True,
        True,
        "ready",
    )
    assert owners["targets"] == [{"target": "ada@example.org", "state": "ready"}]
    answer = await ada.api.delete(f"/api/v1/channels/{owners['id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "channel_fixed")
    config = {"kind": "email", "to": ["else@example.org"]}
    answer = await ada.api.patch(f"/api/v1/channels/{owners['id']}", json={"config": config})
    assert answer.status_code == 409


async def test_a_tenant_of_the_version_before_gets_it_with_its_first_incident(
    platform: Platform, ada: Person, sink: Sink
) -> None:
    await rows_deleted(platform, ada)
    await fail(platform, ada)
    await work(platform)
    assert len(sink.messages) == 1
    assert [each["name"] for each in (await ada.get("/channels"))["items"]] == ["Owners"]


async def rows_deleted(platform: Platform, person: Person) -> None:
    async with platform.services.database.tenant(person.tenant_id) as session:
        await session.execute(text("DELETE FROM channels"))


async def test_a_job_of_the_version_before_is_done(platform: Platform, ada: Person, sink: Sink) -> None:
    await fail(platform, ada)
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text("UPDATE deliveries SET channel_id = NULL, expires_at = NULL"))
    await platform.services.alerts.deliveries.deliver_old(ada.tenant_id, "ada@example.org")
    assert len(sink.messages) == 1
    assert await states(platform, ada) == {"sent": 1}


async def test_the_owner_is_told_by_email_in_one_thread(platform: Platform, ada: Person, sink: Sink) -> None:
    [url] = await fail(platform, ada)
    sink.refuse = "451 try again later"
    pause = await deliver(platform, ada)
    assert pause is not None
    assert timedelta() < pause < timedelta(seconds=3)
    await platform.ping(url)
    await settle(platform)
    sink.refuse = None
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=5), tick=True):
        for _ in range(2):  # handed over twice, sent once
            assert await deliver(platform, ada) is None
    opened, resolved = sink.messages
    assert opened["To"] == resolved["To"] == "ada@example.org"
    assert opened["Subject"] == "[Error] default/hello is failing"
    assert resolved["Subject"] == "[Resolved] default/hello is failing"
    assert resolved["In-Reply-To"] == opened["Message-ID"]
    incident = (await ada.get("/incidents"))["items"][0]
    for kind in ("text/plain", "text/html"):
        assert f"http://crontopus.test/incidents/{incident['id']}" in part(opened, kind)
    kinds = [event["kind"] for event in (await ada.get(f"/incidents/{incident['id']}"))["events"]]
    assert kinds == ["opened", "resolved", "notify_failed", "notified", "notified"] or kinds == [
        "opened",
        "notify_failed",
        "resolved",
        "notified",
        "notified",
    ]


async def test_of_many_at_once_one_message_tells(platform: Platform, ada: Person, sink: Sink) -> None:
    await fail(platform, ada, *(f"default/job-{n}" for n in range(60)))
    sink.refuse = "451 try again later"
    await deliver(platform, ada)
    [(settled,)] = await rows(platform, ada, "SELECT DISTINCT message_id FROM deliveries")
    sink.refuse = None
    await fail(platform, ada, "default/later")
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=5), tick=True):
        await deliver(platform, ada)
    digest = sink.messages[0]
    # A retry says the same, and says so: what came later is not in it.
    assert digest["Subject"] == "[Crontopus] Incidents: 60 opened"
    assert digest["Message-ID"] == f"<{settled}@crontopus>"
    words = part(digest, "text/plain")
    assert words.count(" is failing") == 50
    assert "and 10 more" in words
    assert [each["Subject"] for each in sink.messages[1:]] == ["[Error] default/later is failing"]
    assert await states(platform, ada) == {"sent": 61}


async def test_a_storm_costs_nobody_more_than_the_limit(platform: Platform, ada: Person, sink: Sink) -> None:
    """Failures come in for a minute and a half; nobody gets more than 20 messages in any minute."""
    began, at = datetime.now(UTC), []
    for second in range(0, 90, 3):
        with time_machine.travel(began + timedelta(seconds=second), tick=False):
            await fail(platform, ada, *(f"default/job-{second}-{n}" for n in range(2)))
            known = len(sink.messages)
            await deliver(platform, ada)
            at += [second] * (len(sink.messages) - known)
    with time_machine.travel(began + timedelta(seconds=200), tick=False):
        assert await deliver(platform, ada) is None
    assert max(sum(start <= each < start + 60 for each in at) for start in range(90)) <= 20
    # And nobody waits long for the news: never more than some seconds without a message.
    assert max(after - before for before, after in pairwise(at)) <= 9
    assert await states(platform, ada) == {"sent": 60}


async def test_a_resolve_after_a_digest_goes_into_its_thread(
    platform: Platform, ada: Person, sink: Sink
) -> None:
    urls = await fail(platform, ada, *(f"default/job-{n}" for n in range(30)))
    await deliver(platform, ada)
    await platform.ping(urls[0])
    await settle(platform)
    await deliver(platform, ada)
    digest, resolved = sink.messages
    assert resolved["Subject"] == "[Resolved] default/job-0 is failing"
    assert resolved["In-Reply-To"] == digest["Message-ID"]


async def test_after_a_day_a_delivery_is_given_up_and_can_be_sent_again(
    platform: Platform, ada: Person, sink: Sink
) -> None:
    await fail(platform, ada)
    sink.refuse = "451 try again later"
    await deliver(platform, ada)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25), tick=True):
        await deliver(platform, ada)
        assert await states(platform, ada) == {"failed": 1}
        [dead] = (await ada.get("/deliveries", state="failed"))["items"]
        assert "451" in dead["last_error"]
        sink.refuse = None
        answer = await ada.api.post(f"/api/v1/deliveries/{dead['id']}/resend")
        assert answer.json()["state"] == "pending", answer.text
        again = await ada.api.post(f"/api/v1/deliveries/{dead['id']}/resend")
        assert (again.status_code, again.json()["code"]) == (409, "not_failed")
        await work(platform)
    told = await ada.get(f"/deliveries/{dead['id']}")
    assert (told["state"], [each["ok"] for each in told["tries"]]) == ("sent", [True, False, False])
    [message] = sink.messages
    assert message["Message-ID"] == f"<{dead['message_id']}@crontopus>"
    incidents = (await ada.get("/incidents"))["items"]
    failing = next(each for each in incidents if each["kind"] == "failing")
    kinds = [event["kind"] for event in (await ada.get(f"/incidents/{failing['id']}"))["events"]]
    assert kinds == ["opened", "notify_failed", "notify_failed", "notified"]


async def test_what_cannot_be_said_holds_up_nobody(
    platform: Platform, ada: Person, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fail(platform, ada, "default/broken", "default/fine")
    render = EmailMedium.render

    def broken(medium: EmailMedium, to: object, said: Notification) -> object:
        if "broken" in said.title:
            raise RuntimeError("a defect, with a secret in it")
        return render(medium, to, said)  # type: ignore[arg-type]

    monkeypatch.setattr(EmailMedium, "render", broken)
    assert await deliver(platform, ada) is not None
    assert [each["Subject"] for each in sink.messages] == ["[Error] default/fine is failing"]
    [waiting] = (await ada.get("/deliveries", state="pending"))["items"]
    assert waiting["last_error"] == "RuntimeError in Crontopus"


async def test_without_a_mail_server_the_incident_says_so(database_url: str, tmp_path: object) -> None:
    async with running_platform(database_url, tmp_path) as platform:  # type: ignore[arg-type]
        ada = await platform.register("ada")
        await fail(platform, ada)
        await deliver(platform, ada)
        incident = next(each for each in (await ada.get("/incidents"))["items"] if each["kind"] == "failing")
        events = (await ada.get(f"/incidents/{incident['id']}"))["events"]
        assert "CRONTOPUS_SMTP_URL" in events[-1]["message"]


async def test_one_owner_without_a_mailbox_is_nothing_against_the_channel(
    platform: Platform, ada: Person, sink: Sink
) -> None:
    await fail(platform, ada)
    sink.unknown = {"ada@example.org"}
    await deliver(platform, ada)
    owners = await ada.get(f"/channels/{owners_id(ada.tenant_id)}")
    assert (owners["state"], owners["breaker"]["failures"]) == ("ready", 0)
    [waiting] = (await ada.get("/deliveries"))["items"]
    assert "550 no such mailbox" in waiting["last_error"]
    # Until something was lost by it.
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=25), tick=True):
        await deliver(platform, ada)
        assert (await ada.get(f"/channels/{owners['id']}"))["state"] == "broken"
        kinds = {each["kind"]: each["state"] for each in (await ada.get("/incidents"))["items"]}
        assert kinds == {"failing": "open", "channel_failing": "open"}
        sink.unknown = set()
        await fail(platform, ada, "default/next")
        await deliver(platform, ada)
        kinds = {each["kind"]: each["state"] for each in (await ada.get("/incidents"))["items"]}
        assert kinds == {"failing": "open", "channel_failing": "resolved"}
