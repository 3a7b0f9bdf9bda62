"""What a list of jobs says of each is what the job itself says, and both know what is late."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from crontopus_api.jobs.schemas import JobSummary
from crontopus_api.kit.database import Scope

from ..platform import Person, Platform

WARNING = {"code": "slow", "message": "It took long.", "at": "2026-11-22T02:00:00+00:00"}


async def _set_status(platform: Platform, **columns: str) -> None:
    """`columns`: SQL."""
    values = ", ".join(f"{name} = {value}" for name, value in columns.items())
    async with platform.services.database.session(Scope(role="crontopus_scanner")) as session:
        await session.execute(text(f"UPDATE instance_status SET {values}"))


async def _listed(person: Person, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await person.get("/jobs", **query))["items"]
    return items


async def test_a_job_is_the_same_in_a_list_and_by_itself(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job("default/told", schedule=["0 2 * * *", "@hourly"]))["ping_url"]
    await ada.put_job("default/untold")
    await platform.ping(url + "/7")
    for listed in await _listed(ada):
        alone = await ada.get(f"/jobs/{listed['namespace']}/{listed['name']}")
        assert listed == {key: alone[key] for key in listed}
        assert set(listed) == set(JobSummary.model_fields)
        JobSummary.model_validate(listed)


async def test_times_are_sent_alike_whoever_writes_them(platform: Platform, ada: Person) -> None:
    await platform.ping((await ada.put_job())["ping_url"])
    await _set_status(
        platform,
        last_run_finished_at="'2026-03-01 01:02:03.999999+02'",
        due_at="now() + interval '1 h'",
    )
    [instance] = (await ada.get("/instances"))["items"]
    [job] = await _listed(ada)
    assert job["last_run"]["finished_at"] == "2026-02-28T23:02:03.999Z" == instance["last_run"]["finished_at"]
    assert job["next_run_at"] == instance["due_at"]


@pytest.mark.parametrize(
    ("stored", "due_at", "shown"),
    [
        ("healthy", "now() - interval '1 s'", "late"),
        ("new", "now() - interval '1 s'", "late"),
        ("healthy", "now() + interval '1 h'", "healthy"),
        ("healthy", "NULL", "healthy"),
        ("running", "now() - interval '1 s'", "running"),
        ("failing", "now() - interval '1 s'", "failing"),
        ("paused", "NULL", "paused"),
    ],
)
async def test_late_is_read_off_the_clock_wherever_a_state_is_shown(
    platform: Platform, ada: Person, stored: str, due_at: str, shown: str
) -> None:
    await ada.put_job()
    await _set_status(platform, state=f"'{stored}'", due_at=due_at)
    [job] = await _listed(ada)
    assert (job["state"], job["instances"]) == (shown, {"total": 1, "by_state": {shown: 1}})
    assert (await ada.get("/jobs/default/hello"))["state"] == shown
    [instance] = (await ada.get("/instances"))["items"]
    assert instance["state"] == shown
    for state in ("late", "healthy", "new", "running", "failing", "paused"):
        found = 1 if state == shown else 0
        assert len(await _listed(ada, state=state)) == found
        assert len((await ada.get("/instances", state=state))["items"]) == found


async def test_warnings_are_told_of_the_instance_and_counted_of_the_job(
    platform: Platform, ada: Person
) -> None:
    await ada.put_job()
    assert (await _listed(ada))[0]["warnings"] == 0
    await _set_status(
        platform, warnings=f"'{json.dumps([WARNING]).replace(':', chr(92) + ':')}'", usual_ms="1500"
    )
    job = await ada.get("/jobs/default/hello")
    assert job["warnings"] == 1 == (await _listed(ada))[0]["warnings"]
    [instance] = job["instances_list"]
    assert instance["warnings"] == [WARNING | {"at": "2026-11-22T02:00:00.000Z"}]
    assert instance["usual_seconds"] == 1.5


async def test_a_thousand_jobs_fit_into_one_answer(ada: Person) -> None:
    assert (await ada.api.get("/api/v1/jobs", params={"limit": 1000})).status_code == 200
    assert (await ada.api.get("/api/v1/jobs", params={"limit": 1001})).status_code == 422
