"""Cronitor's telemetry: each parameter that its CLI and SDKs send, in each form of the address."""

import time
from typing import Any

import pytest

from ...platform import Person, Platform
from .senders import output, runs, tenant_key


async def _send(platform: Platform, path: str, **query: Any) -> tuple[int, str]:
    answer = await platform.client().get(path, params=query)
    return answer.status_code, answer.text


@pytest.mark.parametrize("base", ["/p", "/ping"])
async def test_run_and_complete_are_one_run(platform: Platform, ada: Person, base: str) -> None:
    await ada.put_job()
    path = f"{base}/{await tenant_key(ada)}/hello"
    told: dict[str, Any] = {"series": "job-123", "host": "db1", "env": "production"}
    assert await _send(platform, path, state="run", **told) == (200, "OK")
    assert [run["state"] for run in await runs(ada)] == ["running"]
    told |= {
        "duration": "12.5",
        "status_code": 0,
        "message": "1423 records",
        "metric": ["count:1423", "load=0.5"],
    }
    assert await _send(platform, path, state="complete", **told) == (200, "OK")
    (run,) = await runs(ada)
    assert (run["state"], run["source"], run["exit_code"]) == ("success", "cronitor", 0)
    assert (run["duration_seconds"], run["message"]) == (12.5, "1423 records")
    assert await _kept(platform, ada) == [("db1", "production", {"count": 1423, "load": 0.5})]


async def _kept(platform: Platform, person: Person) -> list[tuple[Any, ...]]:
    from sqlalchemy import select

    from crontopus_api.checkins.models import Run

    async with platform.services.database.tenant(person.tenant_id) as session:
        return [tuple(row) for row in await session.execute(select(Run.host, Run.environment, Run.metrics))]


@pytest.mark.parametrize("base", ["/p", "/ping"])
async def test_the_state_may_be_the_last_word(platform: Platform, ada: Person, base: str) -> None:
    await ada.put_job()
    path = (
        f"{base}/{await tenant_key(ada)}/Hello" if base == "/p" else f"{base}/{await tenant_key(ada)}/hello"
    )
    for word in ("run", "complete", "run", "fail", "tick", "ok"):
        assert await _send(platform, f"{path}/{word}") == (200, "OK")
    assert [run["state"] for run in await runs(ada)] == ["success", "success", "failure", "success"]


async def test_without_a_state_it_is_a_heartbeat(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    assert await _send(platform, f"/p/{await tenant_key(ada)}/hello") == (200, "OK")
    assert [run["state"] for run in await runs(ada)] == ["success"]


async def test_a_jobs_own_key_does_as_well(platform: Platform, ada: Person) -> None:
    key = (await ada.put_job())["ping_url"].rsplit("/", 1)[1]
    assert await _send(platform, f"/p/{key}/run") == (200, "OK")
    assert await _send(platform, f"/p/{key}", state="fail", status_code="3") == (200, "OK")
    assert [(run["state"], run["exit_code"]) for run in await runs(ada)] == [("failure", 3)]


async def test_the_tries_of_one_event_count_once(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    path = f"/p/{await tenant_key(ada)}/hello"
    stamp = time.time() - 30
    for attempt in (1, 2, 3):
        told = {"state": "complete", "stamp": f"{stamp:.3f}", "try": attempt}
        assert await _send(platform, path, **told) == (200, "OK")
    (run,) = await runs(ada)
    assert await _send(platform, path, state="complete", stamp=f"{stamp + 1:.3f}") == (200, "OK")
    assert len(await runs(ada)) == 2
    assert time.time() - 60 < _seconds(run["finished_at"]) < stamp + 1


def _seconds(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("stamp", ["0", "-1", "1e300", "nan", "soon", "99999999999"])
async def test_a_wrong_clock_is_not_believed(platform: Platform, ada: Person, stamp: str) -> None:
    await ada.put_job()
    began = time.time()
    assert await _send(platform, f"/p/{await tenant_key(ada)}/hello", stamp=stamp) == (200, "OK")
    (run,) = await runs(ada)
    assert _seconds(run["finished_at"]) >= began - 1


async def test_what_makes_no_sense_is_left_out(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    answer = await _send(
        platform,
        f"/p/{await tenant_key(ada)}/hello",
        state="complete",
        duration="-1",
        status_code="1e9999",
        metric=["count:NaN", "plain", ":3", "ok:1"],
        message="a\x00b" + "c" * 3000,
    )
    assert answer == (200, "OK")
    (run,) = await runs(ada)
    assert (run["duration_seconds"], run["exit_code"], len(run["message"])) == (None, None, 2000)
    assert await _kept(platform, ada) == [(None, None, {"ok": 1})]


async def test_a_posted_body_is_output(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    await platform.ping(f"/p/{await tenant_key(ada)}/hello?state=fail", "what went wrong")
    (run,) = await runs(ada)
    assert await output(ada, run) == "what went wrong"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/p/{key}/hello?state=pause", 400),
        ("/p/{key}/hello/run/run", 400),
        ("/p/{key}", 400),
        ("/p/", 400),
        ("/p/{key}/nobody?state=run", 404),
        ("/p/{key}/run", 404),
        ("/p/AAAAAAAAAAAAAAAAAAAAAA/hello?state=run", 404),
    ],
)
async def test_what_is_no_event_is_refused(platform: Platform, ada: Person, path: str, status: int) -> None:
    await ada.put_job()
    answer = await platform.client().get(path.format(key=await tenant_key(ada)))
    assert answer.status_code == status
    assert await runs(ada) == []


async def test_a_monitor_is_made_when_asked_for(platform: Platform, ada: Person) -> None:
    path = f"/p/{await tenant_key(ada)}/nightly_job"
    told = {"state": "run", "create": 1, "schedule": "0 2 * * *"}
    assert await _send(platform, path, **told) == (201, "Created")
    assert await _send(platform, path, state="complete") == (200, "OK")
    await platform.services.adopter.round()
    assert (await ada.get("/jobs/default/nightly-job"))["state"] == "healthy"
    assert [(run["state"], run["source"]) for run in await runs(ada)] == [("success", "cronitor")]
