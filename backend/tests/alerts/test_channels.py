"""Channels as people set them up."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from crontopus_api.alerts.routing import owners_id
from crontopus_api.kit.crypto import Keyring, Place

from ..platform import Person, Platform, running_platform
from .acting import fail, hush_owners, make_channel, patch, rows, states, verified_hook, work
from .mail import Sink, part
from .receiver import Receiver

TEAM = {"kind": "email", "to": ["team@example.com", "boss@example.com"]}


def _token(words: str, path: str) -> str:
    return words.split(f"{path}?token=")[1].split()[0]


async def test_secrets_never_come_back_and_are_sealed_where_they_are(platform: Platform, ada: Person) -> None:
    secret = "R0123456789012345678901234567890"
    made = await make_channel(ada, {"kind": "pagerduty", "routing_key": secret})
    assert made["secrets"] == ["routing_key"]
    changed = await patch(ada, made["id"], name="On call", config={"kind": "pagerduty", "region": "eu"})
    assert (changed["secrets"], changed["config"]) == (
        ["routing_key"],
        {"kind": "pagerduty", "region": "eu"},
    )
    for path in ("/channels", f"/channels/{made['id']}", "/audit-log"):
        assert secret not in (await ada.api.get(f"/api/v1{path}")).text
    [(config, sealed)] = await rows(
        platform, ada, "SELECT config::text, secret FROM channels WHERE NOT builtin"
    )
    assert secret not in config
    assert secret.encode() not in sealed
    keyring: Keyring = platform.services.keyring
    assert secret.encode() in keyring.open(sealed, Place("channels", ada.tenant_id, made["id"]))


async def test_what_was_done_is_in_the_audit_log(platform: Platform, ada: Person, hook: Receiver) -> None:
    made = await verified_hook(ada, hook)
    await patch(ada, made["id"], config={"kind": "webhook", "url": f"{hook.url}/hook", "headers": {"x": "y"}})
    assert (await ada.api.delete(f"/api/v1/channels/{made['id']}")).status_code == 204
    entries = (await ada.get("/audit-log"))["items"]
    told = [each for each in entries if each["action"].startswith("channel.")]
    assert [each["action"] for each in told] == [
        *("channel.deleted", "channel.changed", "channel.tested", "channel.created")
    ]
    assert told[1]["after"]["secrets"] == ["headers"]
    assert {each["actor"]["name"] for each in told} == {"ada"}


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"kind": "email", "to": []}, "at least one"),
        ({"kind": "email", "to": ["nobody"]}, "email"),
        ({"kind": "slack", "channel": "#ops"}, "token is needed"),
        ({"kind": "slack", "channel": "#ops", "token": "a\nb"}, "one line"),
        ({"kind": "webhook", "url": "ftp://example.com"}, "https://"),
        ({"kind": "webhook", "url": "https://ada:pw@example.com"}, "password"),
        ({"kind": "webhook", "url": "https://example.com:99999"}, "ort"),
        ({"kind": "webhook", "url": "https://example.com", "headers": {"Host": "x"}}, "set by Crontopus"),
        ({"kind": "webhook", "url": "https://example.com", "headers": {"webhook-id": "x"}}, "set by"),
        ({"kind": "webhook", "url": "https://example.com", "headers": {"a b": "x"}}, "name of a header"),
        ({"kind": "webhook", "url": "https://example.com", "headers": {"a": "x\r\nb: y"}}, "one line"),
        ({"kind": "webhook", "url": "https://example.com", "signing_secret": "whsec_YQ=="}, "24 to 64"),
        ({"kind": "webhook", "url": "https://example.com", "template": "{{ incident.title }}"}, "not JSON"),
        ({"kind": "telegram", "chat_id": "1", "token": "1/../x"}, "bot"),
        ({"kind": "ntfy", "topic": "a/b"}, "topic"),
    ],
)
async def test_what_cannot_work_is_refused(ada: Person, config: dict[str, Any], complaint: str) -> None:
    answer = await ada.api.post("/api/v1/channels", json={"name": "x", "config": config})
    assert answer.status_code == 422, answer.text
    assert complaint in answer.text
    # Nobody hears of a secret by getting something else wrong.
    assert "pw@" not in answer.text


async def test_names_are_taken_once(ada: Person) -> None:
    await make_channel(ada, TEAM, name="Team")
    for name in ("team", "OWNERS"):
        answer = await ada.api.post("/api/v1/channels", json={"name": name, "config": TEAM})
        assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


async def test_a_plan_has_room_for_so_many(database_url: str, tmp_path: Path) -> None:
    async with running_platform(database_url, tmp_path, default_plan="free") as platform:
        ada = await platform.register("ada")
        for name in ("one", "two", "three"):
            await make_channel(ada, TEAM, name=name)
        answer = await ada.api.post("/api/v1/channels", json={"name": "four", "config": TEAM})
        assert (answer.status_code, answer.json()["code"]) == (403, "quota_channels")
        usage = {each["name"]: each["used"] for each in (await ada.get("/usage"))["items"]}
        assert usage["channels"] == 3


async def test_an_address_is_written_to_once_somebody_there_said_yes(
    platform: Platform, ada: Person, sink: Sink
) -> None:
    made = await make_channel(ada, TEAM, name="Team")
    await hush_owners(ada)
    assert [each["state"] for each in made["targets"]] == ["unverified", "unverified"]
    await work(platform)
    asked = {message["To"]: part(message, "text/plain") for message in sink.messages}
    assert set(asked) == set(TEAM["to"])
    token = _token(asked["team@example.com"], "/verify-channel")
    stranger = platform.client()
    answer = await stranger.post("/api/v1/channels/verify", json={"token": token})
    assert (answer.status_code, answer.json()) == (200, {"address": "team@example.com"})
    shown = await ada.get(f"/channels/{made['id']}")
    assert [each["state"] for each in shown["targets"]] == ["ready", "unverified"]
    sink.messages.clear()
    await fail(platform, ada)
    await work(platform)
    assert [each["To"] for each in sink.messages] == ["team@example.com"]
    # A link for one thing opens no other.
    assert (await stranger.post(f"/api/v1/channels/unsubscribe?token={token}")).status_code == 422
    assert (await stranger.post("/api/v1/channels/verify", json={"token": token[:-1]})).status_code == 422


async def test_one_press_and_no_more_mail_comes(platform: Platform, ada: Person, sink: Sink) -> None:
    await fail(platform, ada, "default/one")
    await work(platform)
    [message] = sink.messages
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    address = message["List-Unsubscribe"].strip("<>").removeprefix("http://crontopus.test")
    for _ in range(2):
        answer = await platform.client().post(address, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200, answer.text
    await fail(platform, ada, "default/two")
    await work(platform)
    assert len(sink.messages) == 1
    owners = await ada.get(f"/channels/{owners_id(ada.tenant_id)}")
    assert owners["targets"] == [{"target": "ada@example.org", "state": "unsubscribed"}]
    entries = (await ada.get("/audit-log"))["items"]
    assert entries[0]["action"] == "channel.unsubscribed"


async def test_what_waits_for_who_unsubscribed_is_given_up(
    platform: Platform, ada: Person, sink: Sink
) -> None:
    await fail(platform, ada)
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text("UPDATE channels SET unsubscribed = '{ada@example.org}'"))
    await work(platform)
    assert sink.messages == []
    assert await states(platform, ada) == {"failed": 1}


async def test_an_incident_is_acknowledged_by_a_link_in_the_mail(
    platform: Platform, ada: Person, sink: Sink
) -> None:
    await fail(platform, ada)
    await work(platform)
    token = _token(part(sink.messages[0], "text/plain"), "/acknowledge")
    stranger = platform.client()
    for _ in range(2):
        answer = await stranger.post("/api/v1/incidents/acknowledge-by-link", json={"token": token})
        assert answer.json()["acknowledged_by"] == "ada@example.org", answer.text
    incident = (await ada.get("/incidents"))["items"][0]
    kinds = [each["kind"] for each in (await ada.get(f"/incidents/{incident['id']}"))["events"]]
    assert kinds == ["opened", "notified", "acknowledged"]


async def test_nothing_goes_to_a_channel_that_nobody_tested(
    platform: Platform, ada: Person, hook: Receiver, sink: Sink
) -> None:
    await make_channel(ada, {"kind": "webhook", "url": f"{hook.url}/hook"})
    await hush_owners(ada)
    await fail(platform, ada)
    await work(platform)
    assert hook.asked == []
    # And nobody is not told: the owners are, when there is no one else.
    assert len(sink.messages) == 1


async def test_what_waits_for_a_deleted_channel_is_given_up_and_said_so(
    platform: Platform, ada: Person, hook: Receiver
) -> None:
    made = await verified_hook(ada, hook)
    await hush_owners(ada)
    await fail(platform, ada)
    assert (await ada.api.delete(f"/api/v1/channels/{made['id']}")).status_code == 204
    await work(platform)
    assert hook.asked == []
    [dead] = (await ada.get("/deliveries"))["items"]
    assert (dead["state"], dead["last_error"], dead["channel_id"]) == (
        "failed",
        "The channel was deleted.",
        None,
    )
    answer = await ada.api.post(f"/api/v1/deliveries/{dead['id']}/resend")
    assert (answer.status_code, answer.json()["code"]) == (409, "channel_gone")


async def test_other_tenants_channels_are_not_there(platform: Platform, ada: Person, hook: Receiver) -> None:
    made, bob = await verified_hook(ada, hook), await platform.register("bob")
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/test")):
        body = {"json": {"name": "mine"}} if method == "PATCH" else {}
        answer = await bob.api.request(method, f"/api/v1/channels/{made['id']}{path}", **body)
        assert answer.status_code == 404
    assert hook.asked == []


async def test_a_channel_cannot_be_tested_all_day(ada: Person, hook: Receiver) -> None:
    made = await make_channel(ada, {"kind": "webhook", "url": f"{hook.url}/hook"})
    answers = [(await ada.api.post(f"/api/v1/channels/{made['id']}/test")).status_code for _ in range(11)]
    assert answers == [*([200] * 10), 429]
