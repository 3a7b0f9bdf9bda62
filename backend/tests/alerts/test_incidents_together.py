"""Shared causes, jobs that flap, storms that have no cause in common, and two workers at once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import event, text

from ..platform import Person, Platform
from .acting import hush_owners, rows, settle, verified_hook, work
from .receiver import Receiver


def manifest(name: str, command: str = "") -> str:
    return (
        f"apiVersion: crontopus/v1\nkind: Job\nmetadata: {{name: {name}}}\n"
        f"spec: {{schedule: '0 2 * * *'{command}}}\n"
    )


async def put_jobs(person: Person, names: list[str], command: str = "") -> str:
    """In one commit. Answers the address that their runs are reported under."""
    files = [{"path": f"default/{name}.yaml", "content": manifest(name, command)} for name in names]
    answer = await person.api.post("/api/v1/jobs:apply", json={"files": files})
    assert answer.status_code == 200, answer.text
    return str((await person.get("/ping-key"))["url"])


async def open_incidents(person: Person, **query: Any) -> list[dict[str, Any]]:
    return (await person.get("/incidents", state="open", limit=200, **query))["items"]


def told(hook: Receiver) -> list[tuple[str, str]]:
    return [(each["title"], each["event"]) for asked in hook.asked for each in asked.json["incidents"]]


@pytest.fixture
async def ready(platform: Platform, ada: Person, hook: Receiver) -> Receiver:
    await verified_hook(ada, hook)
    await hush_owners(ada)
    return hook


async def test_jobs_of_one_commit_are_one_outage_until_all_are_well(
    platform: Platform, ada: Person, ready: Receiver
) -> None:
    names = [f"job-{n}" for n in range(12)]
    url = await put_jobs(ada, [*names, *(f"other-{n}" for n in range(30))])
    for name in names:
        await platform.ping(f"{url}/{name}/fail")
    await settle(platform)
    await work(platform)
    [outage] = await open_incidents(ada, top=True)
    assert (outage["kind"], outage["children"]) == ("outage", 12)
    assert outage["title"].startswith("12 jobs went wrong since commit ")
    assert "default/job-0" in outage["cause"]
    assert "by ada made it" in outage["cause"]
    assert told(ready) == [(outage["title"], "opened")]
    [child, *_] = await open_incidents(ada, parent=outage["id"])
    began, folded = (await ada.get(f"/incidents/{child['id']}"))["events"]
    assert (began["kind"], folded["kind"], folded["at"]) == ("opened", "folded", child["opened_at"])
    assert folded["message"] == f"a part of: {outage['title']}"
    await platform.ping(f"{url}/other-1/fail")
    await settle(platform)
    [outage] = await open_incidents(ada, top=True)
    assert (outage["children"], outage["title"][:2]) == (13, "13")
    ready.asked.clear()
    for name in names:
        await platform.ping(f"{url}/{name}")
    await settle(platform)
    await work(platform)
    assert told(ready) == []
    await platform.ping(f"{url}/other-1")
    await settle(platform)
    await work(platform)
    assert told(ready) == [(outage["title"], "resolved")]
    assert await open_incidents(ada) == []


async def test_one_after_the_other_the_first_are_told_of_and_the_rest_is_an_outage(
    platform: Platform, ada: Person, ready: Receiver
) -> None:
    names = [f"job-{n}" for n in range(12)]
    url = await put_jobs(ada, [*names, *(f"other-{n}" for n in range(30))])
    for name in names:
        await platform.ping(f"{url}/{name}/fail")
        await settle(platform)
    await work(platform)
    [outage] = await open_incidents(ada, top=True)
    assert outage["children"] == 12
    assert await rows(platform, ada, "SELECT count(*) FROM deliveries") == [(10,)]


async def test_resolved_by_hand_an_outage_does_not_come_back_with_its_jobs(
    platform: Platform, ada: Person, ready: Receiver
) -> None:
    names = [f"job-{n}" for n in range(6)]
    url = await put_jobs(ada, names)
    for name in names:
        await platform.ping(f"{url}/{name}/fail")
    await settle(platform)
    [outage] = await open_incidents(ada, top=True)
    for child in await open_incidents(ada, parent=outage["id"]):
        assert (await ada.api.post(f"/api/v1/incidents/{child['id']}/resolve")).is_success
    await platform.services.incident_keeper.look_around()
    assert await open_incidents(ada) == []


async def _flap(platform: Platform, url: str, times: int) -> None:
    for _ in range(times):
        await platform.ping(f"{url}/job/fail")
        await settle(platform)
        await platform.ping(f"{url}/job")
        await settle(platform)


async def test_a_job_that_flaps_is_quiet_until_it_has_been_well_for_a_quarter_of_an_hour(
    platform: Platform, ada: Person, ready: Receiver
) -> None:
    url = await put_jobs(ada, ["job"])
    await _flap(platform, url, 5)
    await work(platform)
    assert [event for _, event in told(ready)] == ["opened", "resolved", "opened", "resolved", "opened"]
    [incident] = await open_incidents(ada)
    assert incident["flapping"]
    assert "It goes wrong and right again" in ready.asked[-1].json["incidents"][0]["cause"]
    shown = await ada.get(f"/incidents/{incident['id']}")
    assert Counter(each["kind"] for each in shown["events"])["flapping"] == 4
    ready.asked.clear()
    keeper = platform.services.incident_keeper
    await keeper.look_around()
    assert len(await open_incidents(ada, severity="error")) == 1
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=True):
        await keeper.look_around()
        await work(platform)
    assert await open_incidents(ada, severity="error") == []
    assert ("default/job is failing", "resolved") in told(ready)


async def test_while_it_fails_it_is_not_well(platform: Platform, ada: Person, ready: Receiver) -> None:
    url = await put_jobs(ada, ["job"])
    await _flap(platform, url, 3)
    await platform.ping(f"{url}/job/fail")
    await settle(platform)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16), tick=True):
        await platform.services.incident_keeper.look_around()
    assert len(await open_incidents(ada, severity="error")) == 1


async def test_paused_it_flaps_no_more(platform: Platform, ada: Person, ready: Receiver) -> None:
    url = await put_jobs(ada, ["job"])
    await _flap(platform, url, 3)
    await ada.put_job("default/job", paused=True)
    await settle(platform)
    assert await open_incidents(ada) == []


async def test_independent_failures_become_digests_and_all_are_recorded(
    platform: Platform, ada: Person, hook: Receiver
) -> None:
    """Each in its own ten seconds' share, as one of many jobs."""
    await verified_hook(ada, hook, per_minute=6)
    await hush_owners(ada)
    names = [f"job-{n}" for n in range(60)]
    url = await put_jobs(ada, [*names, *(f"spare-{n}" for n in range(160))])
    # They were made together, which is no cause.
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text("UPDATE jobs SET changed_at = changed_at - interval '2 days'"))
    began = datetime.now(UTC)
    sent = 0
    for batch in range(12):
        for name in names[5 * batch : 5 * batch + 5]:
            await platform.ping(f"{url}/{name}/fail")
        await settle(platform)
        with time_machine.travel(began + timedelta(seconds=5 * batch), tick=True):
            await work(platform)
            await _hurry(platform)
            await work(platform)
        sent = len(hook.asked)
    assert sent <= 6
    with time_machine.travel(began + timedelta(seconds=130), tick=True):
        await _hurry(platform)
        await work(platform)
    assert len([each for each in told(hook) if each[1] == "opened"]) == 60
    assert len(await open_incidents(ada, top=True)) == 60


async def _hurry(platform: Platform) -> None:
    """Jobs of the queue that are to run later are due by the time that was travelled to."""
    async with await platform.services.database.connect_direct(autocommit=True) as connection:
        await connection.execute("SET ROLE crontopus_queue")
        await connection.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")


async def test_two_workers_make_of_each_failure_one_incident(platform: Platform, ada: Person) -> None:
    people = [ada, *[await platform.register(f"bob-{n}") for n in range(3)]]
    for person in people:
        url = await put_jobs(person, [f"job-{n}" for n in range(4)])
        for n in range(4):
            await platform.ping(f"{url}/job-{n}/fail")
    keeper = platform.services.incident_keeper
    await asyncio.gather(*(keeper.handle_changes() for _ in range(6)))
    await settle(platform)
    for person in people:
        assert len(await open_incidents(person)) == 4
        assert await rows(platform, person, "SELECT count(*) FROM deliveries") == [(4,)]


async def test_a_batch_takes_as_many_statements_as_one(platform: Platform, ada: Person) -> None:
    async def statements(person: Person, count: int) -> int:
        url = await put_jobs(person, [f"job-{n}" for n in range(count)])
        for n in range(count):
            await platform.ping(f"{url}/job-{n}/fail")
        seen: list[str] = []

        def note(*arguments: Any) -> None:
            seen.append(arguments[2])

        engine = platform.services.database.engine.sync_engine
        event.listen(engine, "before_cursor_execute", note)
        await platform.services.incident_keeper.handle_changes()
        event.remove(engine, "before_cursor_execute", note)
        return len(seen)

    few = await statements(ada, 12)
    assert await statements(await platform.register("bob"), 60) == few
