"""What people do about incidents, and how they find them."""

from typing import Any

import pytest
from sqlalchemy import event

from ..platform import Person, Platform
from .acting import fail, hush_owners, settle, verified_hook, work
from .receiver import Receiver


@pytest.fixture
async def ready(platform: Platform, ada: Person, hook: Receiver) -> Receiver:
    await verified_hook(ada, hook)
    await hush_owners(ada)
    return hook


async def act(person: Person, incident: dict[str, Any], what: str, **body: Any) -> dict[str, Any]:
    answer = await person.api.post(f"/api/v1/incidents/{incident['id']}/{what}", json=body)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def only(person: Person, **query: Any) -> dict[str, Any]:
    [incident] = (await person.get("/incidents", **query))["items"]
    shown: dict[str, Any] = incident
    return shown


def events(hook: Receiver) -> list[str]:
    return [each["event"] for asked in hook.asked for each in asked.json["incidents"]]


async def test_resolved_by_hand_it_is_over_until_it_turns_bad_anew(
    platform: Platform, ada: Person, ready: Receiver
) -> None:
    [url] = await fail(platform, ada)
    incident = await only(ada)
    assert (await act(ada, incident, "resolve"))["state"] == "resolved"
    answer = await ada.api.post(f"/api/v1/incidents/{incident['id']}/resolve", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "incident_resolved")
    await work(platform)
    assert events(ready) == ["opened", "resolved"]
    await platform.ping(url + "/fail")
    await settle(platform)
    assert (await ada.get("/incidents", state="open"))["items"] == []  # it has failed all the time
    await platform.ping(url)
    await platform.ping(url + "/fail")
    await settle(platform)
    assert (await only(ada, state="open"))["id"] != incident["id"]


async def test_muted_nobody_is_told_any_more(platform: Platform, ada: Person, ready: Receiver) -> None:
    [url] = await fail(platform, ada)
    await work(platform)
    incident = await act(ada, await only(ada), "mute")
    assert incident["muted"]
    await platform.ping(url)
    await settle(platform)
    await work(platform)
    assert (await only(ada))["state"] == "resolved"
    assert events(ready) == ["opened"]


async def test_unmuted_they_are_again(platform: Platform, ada: Person, ready: Receiver) -> None:
    [url] = await fail(platform, ada)
    incident = await only(ada)
    await act(ada, incident, "mute")
    assert not (await act(ada, incident, "unmute"))["muted"]
    await platform.ping(url)
    await settle(platform)
    await work(platform)
    assert events(ready) == ["opened", "resolved"]


async def test_who_did_what_is_in_the_timeline_and_in_the_audit_log(platform: Platform, ada: Person) -> None:
    await fail(platform, ada)
    incident = await only(ada)
    await act(ada, incident, "acknowledge")
    await act(ada, incident, "comment", text="  <b>The disk</b> was full. ")
    await act(ada, incident, "snooze", duration_seconds=3600)
    await act(ada, incident, "mute")
    await act(ada, incident, "mute")
    await act(ada, incident, "unmute")
    await act(ada, incident, "resolve")
    await act(ada, incident, "comment", text="Over.")
    shown = await ada.get(f"/incidents/{incident['id']}")
    told = [(each["kind"], each["message"]) for each in shown["events"]]
    assert [kind for kind, _ in told] == [
        *("opened", "acknowledged", "commented", "snoozed", "muted", "unmuted", "resolved", "commented")
    ]
    assert ("commented", "ada: <b>The disk</b> was full.") in told
    assert ("resolved", "by ada") in told
    log = [each["action"] for each in (await ada.get("/audit-log", limit=100))["items"]]
    assert [each for each in log if each.startswith("incident.")] == [
        *("incident.commented", "incident.resolved", "incident.unmuted", "incident.muted"),
        *("incident.snoozed", "incident.commented", "incident.acknowledged"),
    ]


@pytest.mark.parametrize("text", ["", "   ", "x" * 4001, "a\x00b"])
async def test_a_comment_has_some_text_and_not_too_much(platform: Platform, ada: Person, text: str) -> None:
    await fail(platform, ada)
    incident = await only(ada)
    answer = await ada.api.post(f"/api/v1/incidents/{incident['id']}/comment", json={"text": text})
    assert answer.status_code == 422


@pytest.mark.parametrize("what", ["resolve", "mute", "unmute", "comment"])
async def test_nobody_else_may(platform: Platform, ada: Person, what: str) -> None:
    await fail(platform, ada)
    incident = await only(ada)
    bob = await platform.register("bob")
    answer = await bob.api.post(f"/api/v1/incidents/{incident['id']}/{what}", json={"text": "mine"})
    assert answer.status_code in {404, 422}
    if what != "comment":
        return
    assert answer.status_code == 404
    assert len((await ada.get(f"/incidents/{incident['id']}"))["events"]) == 1


async def test_incidents_are_found_by_what_they_are_about(platform: Platform, ada: Person) -> None:
    [url, _] = await fail(platform, ada, "default/one", "default/two")
    await platform.ping(url)
    await settle(platform)

    async def found(**query: Any) -> list[str]:
        return sorted(each["job"]["name"] for each in (await ada.get("/incidents", **query))["items"])

    assert await found() == ["one", "two"]
    assert await found(state="resolved") == ["one"]
    assert await found(job="default/two") == ["two"]
    assert await found(kind="failing", severity="error") == ["one", "two"]
    assert await found(kind="missed") == []
    assert await found(severity="critical") == []
    assert await found(endpoint=str(ada.tenant_id)) == []
    assert await found(parent=str(ada.tenant_id)) == []
    assert await found(top=True) == ["one", "two"]
    assert await found(since="2020-01-01T00:00:00Z") == ["one", "two"]
    assert await found(since="2100-01-01T00:00:00Z") == []
    for query in ({"job": "nothing"}, {"kind": "x"}, {"since": "yesterday"}):
        assert (await ada.api.get("/api/v1/incidents", params=query)).status_code == 422
    assert (await ada.api.get("/api/v1/incidents", params={"job": "default/none"})).status_code == 404


async def test_a_page_takes_as_many_statements_however_long_it_is(platform: Platform, ada: Person) -> None:
    await fail(platform, ada, *(f"default/job-{n}" for n in range(7)))
    seen: list[str] = []

    def note(*arguments: Any) -> None:
        seen.append(arguments[2])

    engine = platform.services.database.engine.sync_engine

    async def statements(limit: int) -> int:
        seen.clear()
        await ada.get("/incidents", limit=limit)
        return len(seen)

    event.listen(engine, "before_cursor_execute", note)
    await statements(1)
    assert await statements(2) == await statements(200)
    event.remove(engine, "before_cursor_execute", note)
