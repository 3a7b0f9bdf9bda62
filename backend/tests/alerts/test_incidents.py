"""From silence or failure to an incident, to an email, and back."""

import email
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from uuid import UUID

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts.channels.email import EmailChannel
from crontopus_api.alerts.channels.notification import DeliveryFailed, Notification
from crontopus_api.alerts.deliveries import DIGEST_PAUSE, DeliveryService
from crontopus_api.alerts.routing import Router
from crontopus_api.checkins.scanner import scan_once
from crontopus_api.kit.mail import Mailer

from ..platform import Person, Platform


class Sink:
    """A real SMTP server's memory; `refuse` makes it answer with a temporary failure."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refuse = False
        self.port = 0

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        if self.refuse:
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        self.messages.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def sink() -> Iterator[Sink]:
    memory = Sink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        memory.port = probe.getsockname()[1]
    controller = Controller(memory, hostname="127.0.0.1", port=memory.port)
    controller.start()
    yield memory
    controller.stop()


async def _make_overdue(platform: Platform) -> None:
    """As if the deadline had come: time itself is not waited for."""
    async with platform.services.database.session() as session:
        await session.execute(text("RESET ROLE"))
        await session.execute(text("SET LOCAL ROLE crontopus_scanner"))
        await session.execute(
            text(
                "UPDATE instance_status SET due_at = now() - interval '1 hour', deadline_at = now() - interval '1 s'"
            )
        )


async def _scan(platform: Platform) -> int:
    async with await platform.services.database.connect_direct() as connection:
        return await scan_once(connection)


async def _settle(platform: Platform) -> None:
    while await platform.services.incident_keeper.handle_changes():
        pass


async def test_a_missed_run_opens_one_incident_and_the_next_run_resolves_it(
    platform: Platform, ada: Person
) -> None:
    url = (await ada.put_job())["ping_url"]
    await platform.ping(url)
    assert await _scan(platform) == 0
    await _make_overdue(platform)
    assert await _scan(platform) == 1
    assert await _scan(platform) == 0
    await _settle(platform)
    incident = (await ada.get("/incidents", state="open"))["items"][0]
    assert (incident["kind"], incident["title"]) == ("missed", "default/hello was missed")
    assert (await ada.get("/runs", state="missed"))["items"][0]["slot_at"] is not None
    assert (await ada.get("/jobs/default/hello"))["state"] == "missed"
    await platform.ping(url)
    await _settle(platform)
    detail = await ada.get(f"/incidents/{incident['id']}")
    assert detail["state"] == "resolved"
    assert [event["kind"] for event in detail["events"]] == ["opened", "resolved"]


async def test_missed_then_failing_is_one_incident(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    await platform.ping(url)
    await _make_overdue(platform)
    await _scan(platform)
    await platform.ping(url + "/fail")
    await _settle(platform)
    incidents = (await ada.get("/incidents"))["items"]
    assert [(each["kind"], each["state"]) for each in incidents] == [("failing", "open")]


async def test_one_tenants_trouble_does_not_keep_the_others_waiting(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = await platform.register("bob")
    for person in (ada, bob):
        await platform.ping((await person.put_job())["ping_url"] + "/fail")
    targets = Router.targets

    async def broken_for_ada(router: Router, session: AsyncSession, tenant_id: UUID) -> list[tuple[str, str]]:
        if tenant_id == ada.tenant_id:
            raise RuntimeError("a defect")
        return await targets(router, session, tenant_id)

    monkeypatch.setattr(Router, "targets", broken_for_ada)
    with pytest.raises(RuntimeError):
        await _settle(platform)
    await _settle(platform)
    assert len((await bob.get("/incidents"))["items"]) == 1
    assert (await ada.get("/incidents"))["items"] == []
    monkeypatch.setattr(Router, "targets", targets)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2), tick=True):
        await _settle(platform)
    assert len((await ada.get("/incidents"))["items"]) == 1


@pytest.mark.parametrize("change", ["delete", "pause"])
async def test_an_incident_ends_with_what_it_was_about(platform: Platform, ada: Person, change: str) -> None:
    await platform.ping((await ada.put_job())["ping_url"] + "/fail")
    await _settle(platform)
    if change == "delete":
        assert (await ada.api.delete("/api/v1/jobs/default/hello")).status_code == 204
    else:
        await ada.put_job(paused=True)
    await _settle(platform)
    assert (await ada.get("/incidents", state="open"))["items"] == []


async def _pending(platform: Platform, person: Person) -> list[str]:
    async with platform.services.database.tenant(person.tenant_id) as session:
        rows = await session.execute(text("SELECT id FROM deliveries WHERE state = 'pending' ORDER BY id"))
        return [row.id for row in rows]


def _by_email(platform: Platform, sink: Sink) -> DeliveryService:
    channel = EmailChannel(Mailer(f"smtp://127.0.0.1:{sink.port}", "Crontopus <c@example.org>"))
    return DeliveryService(
        platform.services.database, channel, platform.services.clock, "http://crontopus.test"
    )


async def test_the_owner_is_told_by_email_in_one_thread(platform: Platform, ada: Person, sink: Sink) -> None:
    url = (await ada.put_job())["ping_url"]
    for action in ("/fail", ""):
        await platform.ping(url + action)
    await _settle(platform)
    deliveries = _by_email(platform, sink)
    assert len(await _pending(platform, ada)) == 2
    sink.refuse = True
    with pytest.raises(DeliveryFailed, match="451"):
        await deliveries.deliver(ada.tenant_id, "email", "ada@example.org")
    sink.refuse = False
    for _ in range(2):  # handed over twice, sent once
        await deliveries.deliver(ada.tenant_id, "email", "ada@example.org")
    opened, resolved = sink.messages
    assert opened["To"] == resolved["To"] == "ada@example.org"
    assert opened["Subject"] == "[Error] default/hello is failing"
    assert resolved["Subject"] == "[Resolved] default/hello is failing"
    assert resolved["In-Reply-To"] == opened["Message-ID"]
    incident = (await ada.get("/incidents"))["items"][0]
    assert f"http://crontopus.test/incidents/{incident['id']}" in opened.get_payload()
    kinds = [event["kind"] for event in (await ada.get(f"/incidents/{incident['id']}"))["events"]]
    assert kinds == ["opened", "resolved", "notify_failed", "notified", "notified"]


async def test_of_many_at_once_one_message_tells(platform: Platform, ada: Person, sink: Sink) -> None:
    names = [f"default/job-{n}" for n in range(60)]
    for name in names:
        await platform.ping((await ada.put_job(name))["ping_url"] + "/fail")
    await _settle(platform)
    deliveries = _by_email(platform, sink)
    sink.refuse = True
    with pytest.raises(DeliveryFailed, match="451"):
        await deliveries.deliver(ada.tenant_id, "email", "ada@example.org")
    first = (await _pending(platform, ada))[0]
    sink.refuse = False
    await deliveries.deliver(ada.tenant_id, "email", "ada@example.org")
    [digest] = sink.messages
    assert digest["Subject"] == "[Crontopus] Incidents: 60 opened"
    # A retry says the same, and says so.
    assert digest["Message-ID"] == f"<{first}@crontopus>"
    words = digest.get_payload(decode=True)
    assert isinstance(words, bytes)
    assert words.decode().count(" is failing") == 50
    assert "and 10 more" in words.decode()
    assert await _pending(platform, ada) == []
    incidents = (await ada.get("/incidents", limit=100))["items"]
    for incident in (incidents[0], incidents[-1]):
        events = (await ada.get(f"/incidents/{incident['id']}"))["events"]
        assert [event["kind"] for event in events] == ["opened", "notify_failed", "notified"]


async def test_after_a_digest_the_next_message_waits(platform: Platform, ada: Person, sink: Sink) -> None:
    for n in range(6):
        await platform.ping((await ada.put_job(f"default/job-{n}"))["ping_url"] + "/fail")
    await _settle(platform)
    deliveries = _by_email(platform, sink)
    assert await deliveries.deliver(ada.tenant_id, "email", "ada@example.org") == DIGEST_PAUSE
    await platform.ping((await ada.put_job("default/one-more"))["ping_url"] + "/fail")
    await _settle(platform)
    pause = await deliveries.deliver(ada.tenant_id, "email", "ada@example.org")
    assert pause is not None
    assert timedelta() < pause <= DIGEST_PAUSE
    assert len(sink.messages) == 1
    # Others are not held up by it, and when it is over nothing is.
    assert await deliveries.deliver(ada.tenant_id, "email", "else@example.org") is None
    with time_machine.travel(datetime.now(UTC) + DIGEST_PAUSE):
        assert await deliveries.deliver(ada.tenant_id, "email", "ada@example.org") is None
    assert sink.messages[1]["Subject"] == "[Error] default/one-more is failing"


async def test_after_a_day_a_delivery_is_given_up_and_says_so(
    platform: Platform, ada: Person, sink: Sink
) -> None:
    await platform.ping((await ada.put_job())["ping_url"] + "/fail")
    await _settle(platform)
    deliveries, sink.refuse = _by_email(platform, sink), True
    for created, pending in (("1 hour", 1), ("25 hours", 0)):
        async with platform.services.database.tenant(ada.tenant_id) as session:
            await session.execute(text(f"UPDATE deliveries SET created_at = now() - interval '{created}'"))
        with pytest.raises(DeliveryFailed):
            await deliveries.deliver(ada.tenant_id, "email", "ada@example.org")
        assert len(await _pending(platform, ada)) == pending
    await deliveries.deliver(ada.tenant_id, "email", "ada@example.org")
    incident = (await ada.get("/incidents"))["items"][0]
    events = (await ada.get(f"/incidents/{incident['id']}"))["events"]
    assert [event["kind"] for event in events] == ["opened", "notify_failed", "notify_failed"]


async def test_what_cannot_be_said_is_given_up_too(
    platform: Platform, ada: Person, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    await platform.ping((await ada.put_job())["ping_url"] + "/fail")
    await _settle(platform)

    async def broken(*_: object) -> None:
        raise RuntimeError("a defect, with a secret in it")

    deliveries = _by_email(platform, sink)
    monkeypatch.setattr(EmailChannel, "send", broken)
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text("UPDATE deliveries SET created_at = now() - interval '25 hours'"))
    with pytest.raises(RuntimeError):
        await deliveries.deliver(ada.tenant_id, "email", "ada@example.org")
    assert await _pending(platform, ada) == []
    incident = (await ada.get("/incidents"))["items"][0]
    [*_, last] = (await ada.get(f"/incidents/{incident['id']}"))["events"]
    assert last["message"].endswith("RuntimeError in Crontopus")


async def test_without_a_mail_server_the_incident_says_so(platform: Platform, ada: Person) -> None:
    await platform.ping((await ada.put_job())["ping_url"] + "/fail")
    await _settle(platform)
    with pytest.raises(DeliveryFailed, match="CRONTOPUS_SMTP_URL"):
        await platform.services.deliveries.deliver(ada.tenant_id, "email", "ada@example.org")
    incident = (await ada.get("/incidents"))["items"][0]
    events = (await ada.get(f"/incidents/{incident['id']}"))["events"]
    assert "CRONTOPUS_SMTP_URL" in events[-1]["message"]


def test_a_subject_is_one_line() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    words = Notification("opened", "a\r\nBcc: x@example.org", "b", "error", at, None, "http://x", "1", "1")
    message = EmailChannel(Mailer(None, "c@example.org")).render("a@example.org", words)
    assert message["Bcc"] is None
    assert "\n" not in message["Subject"]
