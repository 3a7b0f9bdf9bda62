"""Open incidents are told of again, and to others, until somebody takes them on."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import text

from ..platform import Person, Platform
from ..postgres import service_url
from .acting import fail, hush_owners, rows, settle, verified_hook, work
from .opening import open_incident
from .receiver import Receiver, running
from .receiver import Reply as Taken
from .routed import Repository, instant

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def repository(platform: Platform, ada: Person, tmp_path: Path) -> Repository:
    return Repository(platform, ada, tmp_path)


@pytest.fixture
async def pager() -> AsyncIterator[Receiver]:
    async with running(Receiver(lambda _: Taken(), {"/hook": "webhook.json"})) as receiver:
        yield receiver


async def later(platform: Platform, start: datetime, *after: timedelta) -> list[int]:
    """What a worker does at these times after `start`; how much was due each time."""
    handled = []
    for each in after:
        with time_machine.travel(start + each, tick=True):
            handled.append(await platform.services.alerts.reminders.round())
            await work(platform)
    return handled


def heard(receiver: Receiver) -> list[str]:
    return [one["event"] for asked in receiver.asked for one in asked.json["incidents"]]


async def only_incident(person: Person) -> dict[str, Any]:
    [found] = (await person.get("/incidents"))["items"]
    detail: dict[str, Any] = await person.get(f"/incidents/{found['id']}")
    return detail


async def test_who_was_told_is_told_again_until_it_is_over(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    await verified_hook(ada, hook, name="ops", default=False)
    await repository.routes(ops={"channels": ["ops"], "repeatEvery": "1h"})
    [url] = await fail(platform, ada)
    await work(platform)
    start = datetime.now(UTC)
    assert await later(platform, start, 59 * MINUTE, HOUR, HOUR + MINUTE, 2 * HOUR + MINUTE) == [0, 1, 0, 1]
    assert heard(hook) == ["opened", "reminded", "reminded"]
    assert {asked.json["type"] for asked in hook.asked} == {"incident.opened", "incident.reminded"}
    await platform.ping(url)
    await settle(platform)
    assert await later(platform, start, 5 * HOUR) == [0]
    assert heard(hook) == ["opened", "reminded", "reminded", "resolved"]
    assert await rows(platform, ada, "SELECT id FROM reminders") == []
    assert hook.complaints == []


async def test_what_was_missed_while_nobody_worked_is_not_made_up_for(
    platform: Platform, ada: Person, hook: Receiver
) -> None:
    await verified_hook(ada, hook, name="ops", default=True)
    await hush_owners(ada)
    await ada.put_job("default/hello", alerts={"repeatEvery": "5m"})
    await platform.ping((await ada.get("/jobs/default/hello"))["ping_url"] + "/fail")
    await settle(platform)
    start = datetime.now(UTC)
    assert await later(platform, start, 9 * HOUR, 9 * HOUR + MINUTE, 9 * HOUR + 6 * MINUTE) == [1, 0, 1]
    assert heard(hook) == ["opened", "reminded", "reminded"]


async def test_while_nobody_takes_it_on_others_are_told_as_well(
    platform: Platform, ada: Person, hook: Receiver, pager: Receiver, repository: Repository
) -> None:
    await verified_hook(ada, hook, name="ops", default=False)
    await verified_hook(ada, pager, name="Pager", default=False)
    steps = [{"after": "15m", "channels": ["pager", "ops"]}, {"after": "1h", "channels": ["owners"]}]
    await repository.routes(ops={"channels": ["ops"], "escalate": steps})
    [url] = await fail(platform, ada)
    await work(platform)
    start = datetime.now(UTC)
    assert await later(platform, start, 14 * MINUTE, 15 * MINUTE, 20 * MINUTE) == [0, 1, 0]
    # Who knew it already is not told anew.
    assert (heard(hook), heard(pager)) == (["opened"], ["opened"])
    events = [each for each in (await only_incident(ada))["events"] if each["kind"] == "escalated"]
    assert [each["message"] for each in events] == [
        "nobody acknowledged it within 15m, so Pager, ops is told as well (route ops)"
    ]
    answer = await ada.api.post(f"/api/v1/incidents/{(await only_incident(ada))['id']}/acknowledge")
    assert answer.status_code == 200
    assert await later(platform, start, HOUR) == [1]
    assert await rows(platform, ada, "SELECT id FROM deliveries WHERE channel = 'email'") == []
    assert await rows(platform, ada, "SELECT id FROM reminders") == []
    await platform.ping(url)
    await settle(platform)
    await later(platform, start, 2 * HOUR)
    assert heard(pager) == ["opened", "acknowledged", "resolved"]


async def test_a_snooze_keeps_still_and_ends_with_a_reminder(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    await verified_hook(ada, hook, name="ops", default=False)
    steps = [{"after": "15m", "channels": ["owners"]}]
    await repository.routes(ops={"channels": ["ops"], "escalate": steps})
    await fail(platform, ada)
    await work(platform)
    incident, start = await only_incident(ada), datetime.now(UTC)
    for seconds in (7200, 3600):
        body = {"duration_seconds": seconds}
        await ada.api.post(f"/api/v1/incidents/{incident['id']}/snooze", json=body)
    handled = await later(platform, start, 16 * MINUTE, 30 * MINUTE, 59 * MINUTE)
    assert all(each <= 1 for each in handled)
    assert heard(hook) == ["opened"]
    assert await later(platform, start, HOUR + 6 * MINUTE) == [2]
    assert heard(hook) == ["opened", "reminded"]
    # And who was to be told in the meantime is told now.
    mails = await rows(platform, ada, "SELECT event FROM deliveries WHERE channel = 'email'")
    assert [row.event for row in mails] == ["opened"]
    assert await later(platform, start, 5 * HOUR) == [0]


async def test_quiet_hours_put_off_reminders_too(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    await verified_hook(ada, hook, name="ops", default=False)
    now = datetime.now(UTC)
    stretch = {"from": f"{now + HOUR:%H:%M}", "to": f"{now + 3 * HOUR:%H:%M}"}
    await repository.routes(
        ops={"channels": ["ops"], "repeatEvery": "90m", "quietHours": {"windows": [stretch]}}
    )
    await fail(platform, ada)
    await work(platform)
    await later(platform, now, 92 * MINUTE, 120 * MINUTE, 150 * MINUTE)
    assert heard(hook) == ["opened"]
    await later(platform, now, 3 * HOUR + 6 * MINUTE)
    assert heard(hook) == ["opened", "reminded"]


async def test_a_window_puts_off_what_is_to_be_escalated(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    await verified_hook(ada, hook, name="ops", default=False)
    now = datetime.now(UTC)
    await repository.routes(ops={"channels": ["owners"], "escalate": [{"after": "5m", "channels": ["ops"]}]})
    await open_incident(platform, ada)
    await repository.windows(move={"start": instant(now), "end": instant(now + HOUR)})
    await later(platform, now, 6 * MINUTE)
    assert heard(hook) == []
    # It ended early, and is looked at again soon.
    await repository.windows(move=None)
    await later(platform, now, 12 * MINUTE)
    assert heard(hook) == ["opened"]


@pytest.mark.usefixtures("apart")
async def test_two_workers_remind_once(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository
) -> None:
    await verified_hook(ada, hook, name="ops", default=False)
    await repository.routes(ops={"channels": ["ops"], "repeatEvery": "1h"})
    await fail(platform, ada, *(f"default/job-{number}" for number in range(20)))
    with time_machine.travel(datetime.now(UTC) + HOUR, tick=True):
        round_ = platform.services.alerts.reminders.round
        handled = await asyncio.gather(*(round_() for _ in range(4)))
    assert sum(handled) == 20
    found = await rows(
        platform,
        ada,
        "SELECT incident_id FROM deliveries WHERE event = 'reminded' GROUP BY 1 HAVING count(*) = 1",
    )
    assert len(found) == 20


async def test_one_tenants_trouble_does_not_keep_the_others_waiting(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = await platform.register("bob")
    for person in (ada, bob):
        await person.put_job("default/hello", alerts={"repeatEvery": "5m"})
        await platform.ping((await person.get("/jobs/default/hello"))["ping_url"] + "/fail")
        await settle(platform)
    router = platform.services.alerts.router
    book = type(router).book

    async def broken(own: Any, session: Any, tenant_id: Any, at: Any = None) -> Any:
        if tenant_id == ada.tenant_id:
            raise RuntimeError("a defect")
        return await book(own, session, tenant_id, at)

    monkeypatch.setattr(type(router), "book", broken)
    with time_machine.travel(datetime.now(UTC) + HOUR, tick=True):
        # Whoever comes first: by the second round it is bob.
        for _ in range(2):
            with suppress(RuntimeError):
                await platform.services.alerts.reminders.round()
        assert await platform.services.alerts.reminders.round() == 0
    query = "SELECT id FROM deliveries WHERE event = 'reminded'"
    assert len(await rows(platform, bob, query)) == 1
    assert await rows(platform, ada, query) == []


_HANGING = """
import asyncio, sys
from pathlib import Path
from crontopus_api.alerts.routing import reminders
from crontopus_api.composition import compose
from crontopus_api.settings import Settings

async def hang(*_):
    # Everything is written, nothing is committed.
    print("there", flush=True)
    await asyncio.Event().wait()

async def main(url, data):
    services = compose(Settings(database_url=url, data_dir=Path(data)), url)
    reminders.announce = hang
    await services.alerts.reminders.round()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_kill_9_in_the_middle_loses_nothing_and_repeats_nothing(
    platform: Platform, ada: Person, hook: Receiver, repository: Repository, database_url: str
) -> None:
    await verified_hook(ada, hook, name="ops", default=False)
    await repository.routes(
        ops={"channels": ["ops"], "repeatEvery": "1h", "escalate": [{"after": "1h", "channels": ["owners"]}]}
    )
    await fail(platform, ada)
    await work(platform)
    # Due now, for a process whose clock nobody moves.
    await rows_due(platform, ada)
    victim = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _HANGING,
        service_url(database_url),
        str(platform.services.settings.data_dir),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert victim.stdout is not None
    while (line := await asyncio.wait_for(victim.stdout.readline(), 60)) != b"there\n":
        assert line, "it ended"
    # What it has its hands on is left to it.
    assert await platform.services.alerts.reminders.round() == 0
    victim.send_signal(signal.SIGKILL)
    await victim.wait()
    # Until PostgreSQL has noticed.
    await rows(platform, ada, "SELECT id FROM reminders FOR UPDATE")
    assert await platform.services.alerts.reminders.round() == 2
    assert await platform.services.alerts.reminders.round() == 0
    found = await rows(platform, ada, "SELECT channel, event, count(*) AS n FROM deliveries GROUP BY 1, 2")
    assert {(row.channel, row.event): row.n for row in found} == {
        ("webhook", "opened"): 1,
        ("webhook", "reminded"): 1,
        ("email", "opened"): 1,
    }


async def rows_due(platform: Platform, person: Person) -> None:
    async with platform.services.database.tenant(person.tenant_id) as session:
        await session.execute(text("UPDATE reminders SET due_at = now() - interval '1 s'"))
