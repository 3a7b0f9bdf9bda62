"""What no event tells: repositories that are not valid, and jobs that run other than they should."""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from sqlalchemy import text

from ..platform import Person, Platform
from ..postgres import service_url
from .acting import rows, settle


async def open_incidents(person: Person) -> list[dict[str, Any]]:
    return (await person.get("/incidents", state="open"))["items"]


async def look(platform: Platform) -> None:
    await platform.services.incident_keeper.look_around()


async def _invalid(platform: Platform, person: Person, path: str = "default/bad.yaml") -> None:
    async with platform.services.database.tenant(person.tenant_id) as session:
        await session.execute(
            text(
                "INSERT INTO invalid_files (tenant_id, path, blob_id, commit_id, changed_by, changed_at, errors)"
                " VALUES (:tenant, :path, 'b', 'c', 'ada', :now, '[{\"message\": \"line 3: no schedule\"}]')"
            ),
            {"tenant": person.tenant_id, "path": path, "now": datetime.now(UTC)},
        )


async def test_an_invalid_file_is_one_incident_until_it_is_valid(platform: Platform, ada: Person) -> None:
    bob = await platform.register("bob")
    await _invalid(platform, ada)
    await look(platform)
    await look(platform)
    [incident] = await open_incidents(ada)
    assert (incident["kind"], incident["title"]) == (
        "repository_invalid",
        "1 file of the repository is not valid",
    )
    assert incident["cause"].startswith("default/bad.yaml: line 3: no schedule; what was in force before")
    assert await open_incidents(bob) == []
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text("DELETE FROM invalid_files"))
    await look(platform)
    assert await open_incidents(ada) == []
    [shown] = (await ada.get("/incidents"))["items"]
    assert shown["state"] == "resolved"


async def test_called_settled_it_is_said_again_only_of_something_new(platform: Platform, ada: Person) -> None:
    await _invalid(platform, ada)
    await look(platform)
    [incident] = await open_incidents(ada)
    await ada.api.post(f"/api/v1/incidents/{incident['id']}/resolve")
    await look(platform)
    assert await open_incidents(ada) == []
    await _invalid(platform, ada, "default/worse.yaml")
    await look(platform)
    [incident] = await open_incidents(ada)
    assert incident["title"] == "2 files of the repository are not valid"


async def test_a_repository_that_cannot_be_read_says_why(platform: Platform, ada: Person) -> None:
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text("UPDATE repositories SET problem = 'main is not ours'"))
    await look(platform)
    [incident] = await open_incidents(ada)
    assert (incident["title"], incident["cause"]) == ("The repository cannot be read", "main is not ours")


async def _warn(platform: Platform, person: Person, *codes: str) -> None:
    at = datetime.now(UTC).isoformat()
    warnings = ", ".join(f'{{"code": "{code}", "message": "{code}!", "at": "{at}"}}' for code in codes)
    async with platform.services.database.tenant(person.tenant_id) as session:
        await session.execute(
            text("UPDATE instance_status SET warnings = CAST(:w AS jsonb)"), {"w": f"[{warnings}]"}
        )


async def test_warnings_are_incidents_until_the_next_run_without(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    await platform.ping(url)
    await _warn(platform, ada, "slow", "too_often", "overlap")
    await look(platform)
    await look(platform)
    found = {each["kind"]: each for each in await open_incidents(ada)}
    assert {kind: (each["severity"], each["title"]) for kind, each in found.items()} == {
        "slow": ("warning", "default/hello takes longer than usual"),
        "too_often": ("warning", "default/hello runs too often"),
    }
    await platform.ping(url + "/fail")  # a failure of its own, beside the warnings
    await settle(platform)
    assert len(await open_incidents(ada)) == 3
    await ada.api.post(f"/api/v1/incidents/{found['slow']['id']}/resolve")
    await _warn(platform, ada)
    await look(platform)
    assert [each["kind"] for each in await open_incidents(ada)] == ["failing"]


async def test_a_warning_that_was_called_settled_is_not_said_again(platform: Platform, ada: Person) -> None:
    await platform.ping((await ada.put_job())["ping_url"])
    await _warn(platform, ada, "slow")
    await look(platform)
    [incident] = await open_incidents(ada)
    await ada.api.post(f"/api/v1/incidents/{incident['id']}/resolve")
    await look(platform)
    assert await open_incidents(ada) == []
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5), tick=True):
        await _warn(platform, ada, "slow")
        await look(platform)
    assert len(await open_incidents(ada)) == 1


_DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from crontopus_api.alerts.telling import Teller
from crontopus_api.composition import compose
from crontopus_api.settings import Settings

async def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

Teller.tell = die
settings = Settings(database_url=sys.argv[1], data_dir=Path(sys.argv[2]))
asyncio.run(compose(settings, sys.argv[1]).incident_keeper.handle_changes())
"""


async def test_a_worker_killed_between_claim_and_commit_has_claimed_nothing(
    platform: Platform, ada: Person, database_url: str
) -> None:
    await platform.ping((await ada.put_job())["ping_url"] + "/fail")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _DIES, service_url(database_url), str(platform.services.settings.data_dir)),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert await process.wait() == -signal.SIGKILL
    assert await open_incidents(ada) == []
    await settle(platform)
    assert [each["kind"] for each in await open_incidents(ada)] == ["failing"]
    assert await rows(platform, ada, "SELECT count(*) FROM deliveries") == [(1,)]
