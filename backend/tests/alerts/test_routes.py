"""Routes in Git decide who is told, and say so before anything happens."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import event

from crontopus_api.alerts.routing import About

from ..platform import Person, Platform
from .acting import deliver, fail, hush_owners, make_channel, rows, settle, verified_hook, work
from .opening import open_incident
from .receiver import Receiver
from .routed import Repository, instant

ALWAYS = {"windows": [{"from": "00:00", "to": "00:00"}]}


@pytest.fixture
def repository(platform: Platform, ada: Person, tmp_path: Path) -> Repository:
    return Repository(platform, ada, tmp_path)


async def told(platform: Platform, person: Person) -> list[tuple[str, str, str]]:
    """(event, kind of the channel, state)."""
    query = "SELECT event, channel, state, held FROM deliveries ORDER BY id"
    return [
        (row.event, row.channel, "held" if row.held else row.state)
        for row in await rows(platform, person, query)
    ]


async def timeline(person: Person) -> list[tuple[str, str]]:
    [incident] = (await person.get("/incidents"))["items"]
    detail = await person.get(f"/incidents/{incident['id']}")
    return [(each["kind"], each["message"]) for each in detail["events"]]


async def test_a_route_takes_what_it_matches_and_the_rest_goes_to_the_default(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    await verified_hook(ada, hook, name="Data Team", default=False)
    await repository.routes(data={"channels": ["data team"], "match": {"namespaces": ["data"]}})
    await fail(platform, ada, "data/load", "web/serve")
    found = await rows(
        platform,
        ada,
        "SELECT d.channel, i.title FROM deliveries d JOIN incidents i ON i.id = d.incident_id ORDER BY i.title",
    )
    assert [tuple(row) for row in found] == [
        ("webhook", "data/load is failing"),
        ("email", "web/serve is failing"),
    ]


async def test_a_channel_of_another_tenant_is_none(
    platform: Platform, ada: Person, hook: Receiver, tmp_path: Path
) -> None:
    await verified_hook(ada, hook, name="adas")
    bob = await platform.register("bob")
    await Repository(platform, bob, tmp_path).routes(sly={"channels": ["adas"]})
    await fail(platform, bob, "default/job")
    assert await told(platform, bob) == [("opened", "email", "pending")]
    [shown] = (await bob.get("/routes"))["items"]
    assert shown["problems"] == ["there is no channel 'adas': the default channels are told in its place"]
    assert (await ada.get("/routes"))["items"] == []
    answer = await bob.api.post("/api/v1/routes/test", json={"job": "default/job"})
    assert [each["target"] for each in answer.json()["targets"]] == ["bob@example.org"]


async def test_quiet_hours_hold_it_until_they_end(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    made = await verified_hook(ada, hook, name="ops", default=False)
    now = datetime.now(UTC)
    stretch = {"from": f"{now - timedelta(hours=1):%H:%M}", "to": f"{now + timedelta(hours=1):%H:%M}"}
    await repository.routes(night={"channels": ["ops"], "quietHours": {"windows": [stretch]}})
    await fail(platform, ada, "default/one", "default/two")
    assert await told(platform, ada) == [("opened", "webhook", "held")] * 2
    # Nobody asks again and again whether it may go out.
    assert await deliver(platform, ada, made["id"], made["targets"][0]["target"]) is None
    await work(platform)
    assert await platform.services.alerts.reminders.round() == 0
    assert hook.asked == []
    delivery = (await ada.get("/deliveries"))["items"][0]
    assert (delivery["held"], delivery["state"]) == ("quiet hours of route night", "pending")
    assert timedelta(minutes=58) < datetime.fromisoformat(delivery["next_at"]) - now <= timedelta(hours=1)
    with time_machine.travel(now + timedelta(hours=1, minutes=1), tick=True):
        assert await platform.services.alerts.reminders.round() == 2
        assert await platform.services.alerts.reminders.round() == 0
        await work(platform)
    assert sorted(one["title"] for asked in hook.asked for one in asked.json["incidents"]) == [
        "default/one is failing",
        "default/two is failing",
    ]
    assert await told(platform, ada) == [("opened", "webhook", "sent")] * 2


async def test_who_was_not_told_that_it_opened_is_not_told_that_it_is_over(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    await verified_hook(ada, hook, name="ops", default=False)
    await repository.routes(night={"channels": ["ops"], "quietHours": ALWAYS, "repeatEvery": "1h"})
    [url] = await fail(platform, ada)
    await platform.ping(url)
    await settle(platform)
    assert await told(platform, ada) == []
    assert await rows(platform, ada, "SELECT id FROM reminders") == []
    found = await timeline(ada)
    assert sorted(kind for kind, _ in found) == ["held", "held", "opened", "resolved"]
    held, not_told = [words for kind, words in found if kind == "held"]
    assert held.endswith(" on: quiet hours of route night")
    assert not_told == "not told: quiet hours of route night"


async def test_what_is_told_while_it_is_quiet_is_what_is_severe(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    await verified_hook(ada, hook, name="ops", default=False)
    await repository.routes(night={"channels": ["ops"], "quietHours": ALWAYS})
    await ada.put_job("default/bad", alerts={"severity": "critical"})
    url = (await ada.get("/jobs/default/bad"))["ping_url"]
    await platform.ping(url + "/fail")
    await settle(platform)
    assert await told(platform, ada) == [("opened", "webhook", "pending")]


async def test_a_window_that_is_ended_early_lets_go_what_it_held(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    await verified_hook(ada, hook, name="ops", default=True)
    await hush_owners(ada)
    now = datetime.now(UTC)
    long = {"start": instant(now - timedelta(hours=1)), "end": instant(now + timedelta(days=9))}
    await repository.windows(move=long | {"reason": "We move."})
    await open_incident(platform, ada, "endpoint_offline")
    assert await told(platform, ada) == [("opened", "webhook", "held")]
    [shown] = (await ada.get("/maintenance-windows"))["items"]
    assert (shown["name"], shown["active"], shown["reason"]) == ("move", True, "We move.")
    assert (shown["active_until"][:19] + "Z", shown["next_start"]) == (long["end"], None)
    assert await platform.services.alerts.reminders.round() == 0
    await repository.windows(move=None)
    assert await platform.services.alerts.reminders.round() == 1
    await work(platform)
    assert await told(platform, ada) == [("opened", "webhook", "sent")]


async def test_a_window_that_is_made_longer_goes_on_holding(
    platform: Platform, ada: Person, repository: Repository
) -> None:
    now = datetime.now(UTC)
    start = instant(now - timedelta(hours=1))
    await repository.windows(move={"start": start, "end": instant(now + timedelta(hours=1))})
    await open_incident(platform, ada, "endpoint_offline")
    await repository.windows(move={"start": start, "end": instant(now + timedelta(hours=5))})
    assert await platform.services.alerts.reminders.round() == 1
    [row] = await rows(platform, ada, "SELECT next_at, expires_at, held FROM deliveries")
    assert row.next_at == (now + timedelta(hours=5)).replace(microsecond=0)
    # Its day to get there begins when it may go.
    assert (row.expires_at, row.held) == (row.next_at + timedelta(days=1), "maintenance window move")


async def test_windows_that_come_again_say_when(
    platform: Platform, ada: Person, repository: Repository
) -> None:
    await repository.windows(
        nightly={"schedule": "0 3 * * *", "duration": "1h", "timezone": "Europe/London"},
        past={"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"},
        soon={"start": "2031-01-01T00:00:00Z", "end": "2031-01-02T00:00:00Z"},
    )
    at = datetime(2026, 7, 1, 2, 30, tzinfo=UTC)
    with time_machine.travel(at, tick=False):
        found = (await ada.get("/maintenance-windows"))["items"]
    shown = {each["name"]: (each["active"], each["active_until"], each["next_start"]) for each in found}
    assert shown["nightly"] == (True, "2026-07-01T03:00:00.000Z", "2026-07-02T02:00:00.000Z")
    assert shown["past"] == (False, None, None)
    assert shown["soon"] == (False, None, "2031-01-01T00:00:00.000Z")
    assert found[0]["spec"] == {"schedule": "0 3 * * *", "duration": "1h", "timezone": "Europe/London"}
    assert found[0]["path"] == ".crontopus/windows/nightly.yaml"


async def test_routes_are_listed_with_what_is_wrong(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    await verified_hook(ada, hook, name="Ops", default=False)
    await make_channel(ada, {"kind": "webhook", "url": f"{hook.url}/hook"}, name="new", default=False)
    spec: dict[str, Any] = {"channels": ["ops"], "repeatEvery": "4h"}
    await repository.routes(
        a=spec,
        b={"channels": ["OPS", "new"], "escalate": [{"after": "15m", "channels": ["pager"]}]},
        c={"channels": ["ops"], "continue": False},
        d={"channels": ["ops"], "enabled": False},
    )
    await repository.raw(".crontopus/routes/a.yaml", b"kind: AlertRoute\n")
    shown = (await ada.get("/routes"))["items"]
    assert [each["name"] for each in shown] == ["a", "b", "c", "d"]
    assert (shown[0]["spec"], shown[0]["path"]) == (spec, ".crontopus/routes/a.yaml")
    assert shown[0]["problems"][0].startswith("its newest version is not in force: ")
    assert shown[1]["problems"] == [
        "the channel 'new' is not verified: the default channels are told in its place",
        "there is no channel 'pager': the default channels are told in its place",
    ]
    assert shown[2]["problems"] == []
    assert (shown[3]["enabled"], shown[3]["problems"]) == (
        False,
        ["nothing gets here: route c takes everything and does not continue"],
    )


async def test_who_would_be_told(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    made = await verified_hook(ada, hook, name="Ops", default=False)
    await ada.put_job("default/hello", alerts={"repeatEvery": "2h", "severity": "warning"})
    await repository.routes(
        a={"channels": ["ops"], "match": {"namespaces": ["other"]}},
        b={
            "channels": ["ops"],
            "quietHours": {"windows": [{"from": "22:00", "to": "07:00"}]},
            "escalate": [{"after": "15m", "channels": ["owners"]}],
        },
    )
    body = {"job": "default/hello", "at": "2026-11-02T23:00:00+00:00"}
    answer = (await ada.api.post("/api/v1/routes/test", json=body)).json()
    assert answer == {
        "about": {"kind": "failing", "severity": "warning", "namespace": "default", "labels": {}},
        "routes": [
            {"name": "a", "matched": False, "why": "it wants the namespace other; not default"},
            {"name": "b", "matched": True, "why": "all that it asks for is true"},
        ],
        "default_route": False,
        "targets": [
            {
                "channel_id": made["id"],
                "channel": "Ops",
                "kind": "webhook",
                "target": made["targets"][0]["target"],
                "route": "b",
                "held_until": "2026-11-03T07:00:00.000Z",
                "why": "quiet hours of route b",
            }
        ],
        "escalation": [{"after_seconds": 900, "route": "b", "channels": ["Owners"]}],
        "repeat_every_seconds": 7200,
    }
    body = {"kind": "outage", "severity": "critical", "labels": {"team": "x"}}
    answer = (await ada.api.post("/api/v1/routes/test", json=body)).json()
    assert answer["about"] == {
        "kind": "outage",
        "severity": "critical",
        "namespace": None,
        "labels": {"team": "x"},
    }
    assert await told(platform, ada) == []
    for bad, status in (
        ({"job": "default/none"}, 404),
        ({"job": "x"}, 422),
        ({}, 422),
        ({"job": "a/b", "labels": {}}, 422),
        ({"kind": "failing", "at": "2026-11-02T23:00:00"}, 422),
    ):
        assert (await ada.api.post("/api/v1/routes/test", json=bad)).status_code == status


async def test_a_thousand_routes_cost_a_few_statements(
    platform: Platform, ada: Person, repository: Repository
) -> None:
    await repository.routes(
        **{
            f"r{number}": {"channels": ["owners"], "match": {"matchLabels": {"n": str(number)}}}
            for number in range(1_000)
        }
    )
    subjects = [
        About("failing", "error", "default", frozenset({("n", str(number))})) for number in range(500)
    ]
    router, statements = platform.services.alerts.router, []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    engine = platform.services.database.engine.sync_engine
    async with platform.services.database.tenant(ada.tenant_id) as session:
        event.listen(engine, "before_cursor_execute", note)
        try:
            plans = await router.plans(session, [(ada.tenant_id, each) for each in subjects])
        finally:
            event.remove(engine, "before_cursor_execute", note)
    assert all([told.route for told in made.told] == [f"r{number}"] for number, made in enumerate(plans))
    assert len(statements) <= 5
