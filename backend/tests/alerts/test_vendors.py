"""Each vendor is told of an incident from its opening to its end, in the vendor's own form."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from ..platform import Person, Platform
from .acting import deliver, fail, hush_owners, make_channel, settle, states, verified_hook, work
from .receiver import Receiver, running, said
from .vendors import VENDORS, point

pytestmark = pytest.mark.usefixtures("apart")


@pytest.fixture
async def vendor(request: pytest.FixtureRequest) -> AsyncIterator[Receiver]:
    known = VENDORS[request.param]
    async with running(Receiver(known.answers(), known.schemas)) as receiver:
        yield receiver
    # What a vendor would not have understood.
    assert receiver.complaints == []


async def _channel(platform: Platform, person: Person, kind: str, receiver: Receiver) -> dict[str, Any]:
    made = await make_channel(person, point(platform, kind, receiver))
    assert made["state"] == "unverified"
    answer = await person.api.post(f"/api/v1/channels/{made['id']}/test")
    assert answer.json()["ok"], answer.text
    await hush_owners(person)
    shown: dict[str, Any] = await person.get(f"/channels/{made['id']}")
    assert (shown["state"], shown["problem"]) == ("ready", None)
    receiver.asked.clear()
    return shown


async def _life(platform: Platform, person: Person) -> None:
    """Opened, acknowledged, resolved, each of them delivered."""
    [url] = await fail(platform, person)
    await work(platform)
    [incident] = (await person.get("/incidents"))["items"]
    answer = await person.api.post(f"/api/v1/incidents/{incident['id']}/acknowledge")
    assert answer.json()["acknowledged_by"] == "ada"
    await work(platform)
    await platform.ping(url)
    await settle(platform)
    await work(platform)
    assert set(await states(platform, person)) == {"sent"}


@pytest.mark.parametrize(("vendor", "kind"), [(kind, kind) for kind in VENDORS], indirect=["vendor"])
async def test_the_life_of_an_incident_fits_the_vendors_schema(
    platform: Platform, ada: Person, vendor: Receiver, kind: str
) -> None:
    channel = await _channel(platform, ada, kind, vendor)
    await _life(platform, ada)
    assert len(vendor.asked) >= 2
    assert "default/hello" in vendor.asked[0].body.decode()
    # No secret is in any answer of ours.
    secrets = [value for value in VENDORS[kind].config(vendor.url).values() if len(value) > 12]
    shown = (await ada.api.get("/api/v1/channels")).text + (await ada.api.get("/api/v1/audit-log")).text
    hidden = [each for each in secrets if each not in str(channel["config"])]
    assert hidden
    assert not any(each in shown for each in hidden)


@pytest.mark.parametrize(("vendor", "kind"), [(kind, kind) for kind in VENDORS], indirect=["vendor"])
async def test_a_storm_fits_it_too(platform: Platform, ada: Person, vendor: Receiver, kind: str) -> None:
    await _channel(platform, ada, kind, vendor)
    await fail(platform, ada, *(f"default/job-{n}" for n in range(30)))
    await work(platform)
    assert len(vendor.asked) == 1
    assert "30 opened" in vendor.asked[0].body.decode()


@pytest.mark.parametrize("vendor", ["slack"], indirect=True)
async def test_slack_has_one_message_that_changes_and_a_thread(
    platform: Platform, ada: Person, vendor: Receiver
) -> None:
    await _channel(platform, ada, "slack", vendor)
    await _life(platform, ada)
    calls = [(each.path.rpartition("/")[2], each.json) for each in vendor.asked]
    assert [name for name, _ in calls] == [
        *("chat.postMessage", "chat.update", "chat.postMessage", "chat.update", "chat.postMessage")
    ]
    opened, *_, last_update, last_reply = (body for _, body in calls)
    assert [block["type"] for block in opened["blocks"]] == ["section", "actions", "context"]
    assert "thread_ts" not in opened
    # The test message was the first one.
    assert (last_update["ts"], last_reply["thread_ts"]) == ("1700000000.000002", "1700000000.000002")
    assert "Resolved" in last_update["blocks"][0]["text"]["text"]
    assert [block["type"] for block in last_update["blocks"]] == ["section", "context"]


@pytest.mark.parametrize("vendor", ["slack"], indirect=True)
async def test_a_slack_message_that_somebody_deleted_is_told_of_anew(
    platform: Platform, ada: Person, vendor: Receiver
) -> None:
    await _channel(platform, ada, "slack", vendor)
    [url] = await fail(platform, ada)
    await work(platform)
    vendor.next.append(said({"ok": False, "error": "message_not_found"}))
    await platform.ping(url)
    await settle(platform)
    await work(platform)
    assert await states(platform, ada) == {"sent": 2}


@pytest.mark.parametrize("vendor", ["slack"], indirect=True)
async def test_slack_says_no_with_a_yes(platform: Platform, ada: Person, vendor: Receiver) -> None:
    config = point(platform, "slack", vendor) | {"token": "xoxb-wrong"}
    made = await make_channel(ada, config)
    answer = (await ada.api.post(f"/api/v1/channels/{made['id']}/test")).json()
    assert (answer["ok"], answer["results"][0]["words"]) == (False, "Slack answered: invalid_auth")
    shown = await ada.get(f"/channels/{made['id']}")
    assert (shown["state"], shown["problem"]) == ("unverified", "Slack answered: invalid_auth")


@pytest.mark.parametrize("vendor", ["pagerduty"], indirect=True)
async def test_pagerduty_has_one_alert_for_an_incident(
    platform: Platform, ada: Person, vendor: Receiver
) -> None:
    await _channel(platform, ada, "pagerduty", vendor)
    await _life(platform, ada)
    events = [each.json for each in vendor.asked]
    assert [each["event_action"] for each in events] == ["trigger", "acknowledge", "resolve"]
    assert len({each["dedup_key"] for each in events}) == 1
    assert events[0]["payload"]["severity"] == "error"
    assert events[0]["links"][0]["href"].startswith("http://crontopus.test/incidents/")


@pytest.mark.parametrize("vendor", ["pagerduty"], indirect=True)
async def test_an_alert_about_many_ends_with_the_last_of_them(
    platform: Platform, ada: Person, vendor: Receiver
) -> None:
    channel = await _channel(platform, ada, "pagerduty", vendor)
    urls = await fail(platform, ada, *(f"default/job-{n}" for n in range(12)))
    await deliver(platform, ada, channel["id"], channel["targets"][0]["target"])
    for url in urls[:3]:
        await platform.ping(url)
    await settle(platform)
    await deliver(platform, ada, channel["id"], channel["targets"][0]["target"])
    assert [each.json["event_action"] for each in vendor.asked] == ["trigger"]
    for url in urls[3:]:
        await platform.ping(url)
    await settle(platform)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=10), tick=True):
        await deliver(platform, ada, channel["id"], channel["targets"][0]["target"])
    actions = [(each.json["event_action"], each.json["dedup_key"]) for each in vendor.asked]
    assert {key for _, key in actions} == {actions[0][1]}
    assert {action for action, _ in actions[1:]} == {"resolve"}
    assert await states(platform, ada) == {"sent": 24}


@pytest.mark.parametrize("vendor", ["pagerduty"], indirect=True)
async def test_what_opened_and_ended_before_it_was_told_of_is_one_alert_that_ends(
    platform: Platform, ada: Person, vendor: Receiver
) -> None:
    """One message tells of both: the end goes by the key of the beginning, which is that of this message."""
    channel = await _channel(platform, ada, "pagerduty", vendor)
    urls = await fail(platform, ada, *(f"default/job-{n}" for n in range(12)))
    for url in urls:
        await platform.ping(url)
    await settle(platform)
    for seconds in (0, 10):
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True):
            await deliver(platform, ada, channel["id"], channel["targets"][0]["target"])
    actions = [(each.json["event_action"], each.json["dedup_key"]) for each in vendor.asked]
    assert {key for _, key in actions} == {actions[0][1]}
    assert [action for action, _ in actions][:2] == ["trigger", "resolve"]
    assert await states(platform, ada) == {"sent": 24}


async def test_a_webhook_is_signed_and_carries_what_the_tenant_wants(
    platform: Platform, ada: Person, hook: Receiver
) -> None:
    config = {"kind": "webhook", "url": f"{hook.url}/hook", "headers": {"X-Api-Key": "of my own"}}
    made = await make_channel(ada, config)
    assert made["signing_secret"].startswith("whsec_")
    assert made["secrets"] == ["headers", "signing_secret"]
    await ada.api.post(f"/api/v1/channels/{made['id']}/test")
    await _life(platform, ada)
    assert [each.json["type"] for each in hook.asked] == [
        *("test", "incident.opened", "incident.acknowledged", "incident.resolved")
    ]
    for asked in hook.asked:
        Webhook(made["signing_secret"]).verify(asked.body, asked.headers)
        assert asked.headers["x-api-key"] == "of my own"
        assert asked.headers["webhook-id"] == asked.json["id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(made["signing_secret"]).verify(hook.asked[0].body + b" ", hook.asked[0].headers)
    assert hook.complaints == []


async def test_a_webhook_says_it_in_the_tenants_words(
    platform: Platform, ada: Person, hook: Receiver
) -> None:
    made = await verified_hook(ada, hook)
    template = '{"text": {{ incident.title | tojson }}}'
    config = {"kind": "webhook", "url": f"{hook.url}/own", "template": template}
    await ada.api.patch(f"/api/v1/channels/{made['id']}", json={"config": config})
    assert (await ada.api.post(f"/api/v1/channels/{made['id']}/test")).json()["ok"]
    await fail(platform, ada)
    await work(platform)
    await fail(platform, ada, *(f"default/job-{n}" for n in range(20)))
    after_the_pause = datetime.now(UTC) + timedelta(seconds=10)
    with time_machine.travel(after_the_pause, tick=True):
        await work(platform)
    assert [each.json["text"] for each in hook.asked] == [
        "[Crontopus] Test of the channel webhook",
        "default/hello is failing",
        "[Crontopus] Incidents: 20 opened",
    ]
    asked = hook.asked[0]
    # The signing secret that was made at first is still the one.
    Webhook(made["signing_secret"]).verify(asked.body, asked.headers)
