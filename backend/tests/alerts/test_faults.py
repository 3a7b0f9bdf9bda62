"""Receivers that are slow, away, overloaded or lying: everything arrives, in order, and nobody is stormed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from crontopus_api.alerts.backing_off import channel_break, next_try
from crontopus_api.alerts.channels.http import Web
from crontopus_api.alerts.channels.webhook import WebhookMedium

from ..platform import Person, Platform
from .acting import deliver, fail, hush_owners, rows, settle, verified_hook, work
from .mail import Sink
from .receiver import Receiver, Reply

pytestmark = pytest.mark.usefixtures("apart")


async def _told(hook: Receiver) -> list[tuple[str, str]]:
    return [(each["title"], each["event"]) for asked in hook.asked for each in asked.json["incidents"]]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(500, b"oh no"), "127.0.0.1 answered 500: oh no"),
        (Reply(429, headers={"retry-after": "600"}), "127.0.0.1 answered 429"),
        (Reply(302, headers={"location": "http://127.0.0.1/"}), "a redirect, which is not followed"),
        (Reply(reset=True), "127.0.0.1 answered 500"),
    ],
)
async def test_what_was_not_taken_is_kept_and_shown(
    platform: Platform, ada: Person, hook: Receiver, reply: Reply, words: str
) -> None:
    made = await verified_hook(ada, hook)
    await hush_owners(ada)
    await fail(platform, ada)
    hook.next.append(reply)
    target = made["targets"][0]["target"]
    pause = await deliver(platform, ada, made["id"], target)
    [waiting] = (await ada.get("/deliveries", channel_id=made["id"]))["items"]
    assert words in waiting["last_error"]
    [tried] = (await ada.get(f"/deliveries/{waiting['id']}"))["tries"]
    assert (tried["ok"], tried["status"]) == (False, 500 if reply.reset else reply.status)
    assert pause is not None
    assert pause > (timedelta(seconds=590) if reply.status == 429 else timedelta())
    hook.asked.clear()
    with time_machine.travel(datetime.now(UTC) + pause + timedelta(seconds=1), tick=True):
        assert await deliver(platform, ada, made["id"], target) is None
    assert await _told(hook) == [("default/hello is failing", "opened")]
    assert hook.asked[0].headers["webhook-id"] == waiting["id"]


async def test_an_answer_is_kept_short_and_without_secrets(
    platform: Platform, ada: Person, hook: Receiver
) -> None:
    made = await verified_hook(ada, hook)
    await fail(platform, ada)
    hook.next.append(Reply(500, b"token=abcdefgh12345678 " + b"x" * 100_000))
    await deliver(platform, ada, made["id"], made["targets"][0]["target"])
    [waiting] = (await ada.get("/deliveries", channel_id=made["id"]))["items"]
    [tried] = (await ada.get(f"/deliveries/{waiting['id']}"))["tries"]
    assert len(tried["response"]) <= 1_001
    assert "abcdefgh12345678" not in tried["response"]


async def test_who_does_not_answer_holds_up_nobody_for_long(
    platform: Platform, ada: Person, hook: Receiver
) -> None:
    made, never = await verified_hook(ada, hook), asyncio.Event()
    web = Web(platform.services.clock, platform.services.settings.outbound_allow, total_seconds=0.2)
    platform.services.alerts.media["webhook"] = WebhookMedium(web, platform.services.clock)
    await fail(platform, ada)
    hook.always = Reply(after=never)
    async with asyncio.timeout(5):
        assert await deliver(platform, ada, made["id"], made["targets"][0]["target"]) is not None
    [waiting] = (await ada.get("/deliveries", channel_id=made["id"]))["items"]
    assert "no answer within 0.2 s" in waiting["last_error"]
    never.set()
    await web.aclose()


async def test_news_of_an_incident_keep_their_order_and_hold_up_no_other(
    platform: Platform, ada: Person, hook: Receiver
) -> None:
    made = await verified_hook(ada, hook)
    target = made["targets"][0]["target"]
    [url] = await fail(platform, ada, "default/first")
    hook.next.append(Reply(503))
    await deliver(platform, ada, made["id"], target)
    await platform.ping(url)
    await settle(platform)
    await fail(platform, ada, "default/second")
    assert await deliver(platform, ada, made["id"], target) is not None
    assert await _told(hook) == [("default/second is failing", "opened")]
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=1), tick=True):
        assert await deliver(platform, ada, made["id"], target) is None
    assert (await _told(hook))[1:] == [
        ("default/first is failing", "opened"),
        ("default/first is failing", "resolved"),
    ]


async def test_a_channel_that_fails_is_left_alone_and_tried_by_one_message(
    platform: Platform, ada: Person, hook: Receiver
) -> None:
    made = await verified_hook(ada, hook)
    target = made["targets"][0]["target"]
    await fail(platform, ada, *(f"default/job-{n}" for n in range(8)))
    hook.always = Reply(500)
    await deliver(platform, ada, made["id"], target)
    tried = await rows(platform, ada, "SELECT count(*) FROM delivery_attempts WHERE NOT ok")
    assert tried == [(5,)]
    breaker = (await ada.get(f"/channels/{made['id']}"))["breaker"]
    assert (breaker["state"], breaker["failures"]) == ("open", 5)
    for expected in (6, 7):
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=2 * expected - 10), tick=True):
            assert (await ada.get(f"/channels/{made['id']}"))["breaker"]["state"] == "half_open"
            await deliver(platform, ada, made["id"], target)
            tried = await rows(platform, ada, "SELECT count(*) FROM delivery_attempts WHERE NOT ok")
            assert tried == [(expected,)]
    hook.always = None
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=20), tick=True):
        assert await deliver(platform, ada, made["id"], target) is None
    assert (await ada.get(f"/channels/{made['id']}"))["breaker"]["state"] == "closed"
    assert len(await _told(hook)) == 8
    # What the channel was tried with is what it gets first.
    first = min(each["id"] for each in (await ada.get("/deliveries", channel_id=made["id"]))["items"])
    assert hook.asked[0].headers["webhook-id"] == first


async def test_a_channel_is_down_for_two_hours(platform: Platform, ada: Person, hook: Receiver) -> None:
    """Nothing is lost, nothing comes twice, each incident's news come in order, and there are few vain attempts."""
    made = await verified_hook(ada, hook)
    await hush_owners(ada)
    target, began = made["targets"][0]["target"], datetime.now(UTC)
    hook.always, at, wake = Reply(503), timedelta(), timedelta()
    expected = []
    for minute in range(0, 180, 6):
        while wake <= timedelta(minutes=minute):
            at = wake
            if at >= timedelta(hours=2):
                hook.always = None
            with time_machine.travel(began + at, tick=True):
                pause = await deliver(platform, ada, made["id"], target)
            wake = at + pause + timedelta(seconds=1) if pause else timedelta(minutes=minute, seconds=1)
        if minute < 120:
            name = f"default/job-{minute}"
            with time_machine.travel(began + timedelta(minutes=minute), tick=True):
                [url] = await fail(platform, ada, name)
                if minute % 12 == 0:
                    await platform.ping(url)
                    await settle(platform)
                    expected.append((f"{name} is failing", "resolved"))
            expected.append((f"{name} is failing", "opened"))
    told = await _told(hook)
    news = [each for each in told if not each[0].startswith("The channel")]
    assert sorted(news) == sorted(expected)
    assert all(
        news.index((title, "opened")) < news.index((title, "resolved"))
        for title, event in news
        if event == "resolved"
    )
    [(vain,)] = await rows(platform, ada, "SELECT count(*) FROM delivery_attempts WHERE NOT ok")
    assert vain <= 30
    waiting = (await ada.get("/deliveries", channel_id=made["id"], state="pending"))["items"]
    assert waiting == []


async def test_a_channel_that_does_not_work_is_told_of_by_another(
    platform: Platform, ada: Person, hook: Receiver, sink: Sink
) -> None:
    made = await verified_hook(ada, hook, name="Our own")
    await hush_owners(ada)
    await fail(platform, ada)
    hook.always = Reply(410, b"gone for good")
    await work(platform)
    # By whom nobody had marked: better than nobody.
    [message] = sink.messages
    assert message["Subject"] == "[Error] The channel Our own does not work"
    broken = await ada.get(f"/channels/{made['id']}")
    assert (broken["state"], broken["problem"]) == ("broken", "127.0.0.1 answered 410: gone for good")
    [incident] = [
        each for each in (await ada.get("/incidents"))["items"] if each["kind"] == "channel_failing"
    ]
    assert incident["channel_id"] == made["id"]
    hook.always = None
    assert (await ada.api.post(f"/api/v1/channels/{made['id']}/test")).json()["ok"]
    await work(platform)
    assert [each["Subject"] for each in sink.messages[1:]] == ["[Resolved] The channel Our own does not work"]
    assert (await ada.get(f"/incidents/{incident['id']}"))["state"] == "resolved"


async def test_mail_that_is_away_is_told_of_by_the_webhook(
    platform: Platform, ada: Person, hook: Receiver, sink: Sink
) -> None:
    await verified_hook(ada, hook)
    sink.refuse = "451 try again later"
    began = datetime.now(UTC)
    for minutes in (0, 8, 16):
        with time_machine.travel(began + timedelta(minutes=minutes), tick=True):
            await fail(platform, ada, f"default/job-{minutes}")
            await deliver(platform, ada)
    await work(platform)
    assert ("The channel Owners does not work", "opened") in await _told(hook)


def test_waits_grow_and_heed_what_was_asked() -> None:
    waits = [next_try(attempts, None).total_seconds() for attempts in range(1, 12)]
    assert 1.6 <= waits[0] <= 2.4
    assert all(480 <= wait <= 720 for wait in waits[8:])
    assert next_try(1, timedelta(hours=1)) == timedelta(hours=1)
    assert channel_break(4, None) is None
    assert channel_break(1, timedelta(minutes=3)) == timedelta(minutes=3)
    breaks = [channel_break(failures, None) for failures in (5, 12)]
    assert breaks[0] is not None
    assert breaks[1] is not None
    assert breaks[0] < timedelta(minutes=1) < timedelta(minutes=7) < breaks[1]
