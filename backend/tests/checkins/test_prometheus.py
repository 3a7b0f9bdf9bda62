"""A tenant's own metrics: what they say, to whom, and that Prometheus understands every line."""

import re
import subprocess
from datetime import timedelta

import pytest
from anyio import to_thread
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from crontopus_api.checkins.prometheus import repository
from crontopus_api.checkins.prometheus.rendering import render
from crontopus_api.checkins.prometheus.repository import FIGURES

from ..endpoints.machine import new_machine
from ..platform import Person, Platform

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parsed(exposition: str) -> Series:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
    }


def of(
    name: str, job: str, endpoint: str = "", namespace: str = "default"
) -> tuple[str, tuple[tuple[str, str], ...]]:
    return name, (("endpoint", endpoint), ("job_name", job), ("namespace", namespace))


async def scraped(person: Person) -> Series:
    answer = await person.api.get("/api/v1/metrics/prometheus")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parsed(answer.text)


async def test_a_job_that_runs_then_fails(platform: Platform, ada: Person) -> None:
    await ada.put_job("default/backup", schedule="0 2 * * *")
    fresh = await scraped(ada)
    assert fresh[of("crontopus_job_up", "backup")] == 1
    assert of("crontopus_job_last_success_timestamp_seconds", "backup") not in fresh
    assert (
        of("crontopus_job_next_due_timestamp_seconds", "backup") not in fresh
    )  # expected from its first report on
    now = platform.services.clock.now().timestamp()

    url = (await ada.get("/jobs/default/backup"))["ping_url"]
    path = re.sub(r"^https?://[^/]+", "", url)
    pings = platform.client()
    for end in ("/start", "", "/start", "/3"):
        assert (await pings.post(path + end)).status_code == 200
    failing = await scraped(ada)
    assert failing[of("crontopus_job_up", "backup")] == 0
    assert failing[of("crontopus_job_consecutive_failures", "backup")] == 1
    success = failing[of("crontopus_job_last_success_timestamp_seconds", "backup")]
    last = failing[of("crontopus_job_last_run_timestamp_seconds", "backup")]
    assert now - 1 <= success < last <= now + 60
    due = failing[of("crontopus_job_next_due_timestamp_seconds", "backup")]
    assert now < due <= now + timedelta(days=1).total_seconds()
    assert failing["crontopus_instances", (("state", "failing"),)] == 1


async def test_nothing_of_another_tenant_and_nothing_that_is_gone(platform: Platform, ada: Person) -> None:
    grace = await platform.register("grace")
    await grace.put_job("default/hers")
    await ada.put_job("default/gone")
    assert (await ada.api.delete("/api/v1/jobs/default/gone")).is_success
    assert not [name for name, _ in await scraped(ada) if name.startswith("crontopus_job_")]
    narrow = (await ada.api.post("/api/v1/tokens", json={"name": "x", "scopes": ["jobs:read"]})).json()[
        "secret"
    ]
    assert (await platform.client(narrow).get("/api/v1/metrics/prometheus")).status_code == 403


async def test_a_job_that_is_due_is_late_and_up(platform: Platform, ada: Person) -> None:
    await ada.put_job("default/late")
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(text("UPDATE instance_status SET due_at = now() - interval '1 second'"))
    told = await scraped(ada)
    assert told["crontopus_instances", (("state", "late"),)] == 1
    assert told[of("crontopus_job_up", "late")] == 1


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "new\nline", "} 1\nx{", "déjà", "\\n", '\\"'])
async def test_an_endpoint_may_be_called_anything(platform: Platform, ada: Person, name: str) -> None:
    machine = await new_machine(platform, ada)
    await ada.put_job(
        "default/job", schedule="@hourly", command="true", selector={"matchLabels": {"role": "db"}}
    )
    async with platform.services.database.tenant(ada.tenant_id) as session:
        await session.execute(
            text("UPDATE endpoints SET name = :name WHERE id = :id"),
            {"name": name, "id": machine.id},
        )
        await session.execute(text("UPDATE instance_status SET last_run_duration_ms = 250, due_at = now()"))
    told = await scraped(ada)
    assert told[of("crontopus_job_up", "job", name)] == 1
    assert told[of("crontopus_job_last_duration_seconds", "job", name)] == 0.25


async def test_each_metric_is_described_though_nothing_has_it(ada: Person) -> None:
    told = (await ada.api.get("/api/v1/metrics/prometheus")).text
    assert [line.split()[2] for line in told.splitlines() if line.startswith("# HELP")] == [
        *FIGURES,
        "crontopus_instances",
        "crontopus_instances_left_out",
    ]
    assert "\n\n" not in told


async def test_there_is_an_end_to_it(platform: Platform, ada: Person) -> None:
    for name in ("b", "a", "c"):
        await ada.put_job(f"default/{name}")
    async with platform.services.database.tenant(ada.tenant_id) as session:
        now = platform.services.clock.now()
        two = parsed(render(await repository.told(session, ada.tenant_id, now, most=2)))
        all_of_them = parsed(render(await repository.told(session, ada.tenant_id, now, most=3)))
    assert {key for key in two if key[0] == "crontopus_job_up"} == {
        of("crontopus_job_up", "a"),
        of("crontopus_job_up", "b"),
    }
    assert two["crontopus_instances", (("state", "new"),)] == 2
    assert two["crontopus_instances_left_out", ()] == 1
    assert all_of_them["crontopus_instances_left_out", ()] == 0


async def test_promtool_finds_nothing_to_say(ada: Person) -> None:
    await ada.put_job("default/job", schedule="@hourly")
    told = (await ada.api.get("/api/v1/metrics/prometheus")).text
    done = await to_thread.run_sync(
        lambda: subprocess.run(
            ["promtool", "check", "metrics"], input=told, capture_output=True, text=True, check=False
        )
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
