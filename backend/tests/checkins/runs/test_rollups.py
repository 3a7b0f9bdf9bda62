"""Counts by day are what counting by hand gives, also after a late report; reports read nothing else."""

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from crontopus_api.checkins.runs.rollups import RollupService
from crontopus_api.kit.clock import FixedClock
from crontopus_api.kit.database import Scope

from ...platform import Person, Platform
from .history import SCANNER, ago, put_runs, run_of

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
STATES = ("success", "failure", "timeout", "lost", "missed", "skipped", "running")


def _disc(values: list[int], share: float) -> float | None:
    """PostgreSQL's percentile_disc, in seconds."""
    ordered = sorted(values)
    return ordered[math.ceil(share * len(ordered)) - 1] / 1000 if ordered else None


async def _count(platform: Platform, at: datetime = NOON) -> None:
    services = platform.services
    await RollupService(services.database, services.tenants, FixedClock(at)).round()


async def _report(person: Person, by: str = "jobs", **query: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await person.get(f"/reports/{by}", **query))["items"]
    return items


async def test_a_day_is_counted_as_by_hand(platform: Platform, ada: Person) -> None:
    job, rng = await ada.put_job(), random.Random(4)
    runs = [
        run_of(
            ada,
            job["id"],
            NOON - timedelta(hours=rng.uniform(0, 11)),
            state=rng.choice(STATES),
            duration_ms=rng.randrange(10_000),
        )
        for _ in range(200)
    ]
    await put_runs(platform, runs)
    await _count(platform)
    [report] = await _report(ada)
    took = [run["duration_ms"] for run in runs if run["state"] in {"success", "failure", "timeout"}]
    by_state = {state: sum(run["state"] == state for run in runs) for state in STATES}
    judged = len(runs) - by_state["skipped"] - by_state["running"]
    assert report["job"]["id"] == job["id"]
    assert report["runs"] == 200
    for column, state in {"successes": "success", "failures": "failure", "timeouts": "timeout"}.items():
        assert report[column] == by_state[state]
    assert [report[state] for state in STATES[3:6]] == [by_state[state] for state in STATES[3:6]]
    assert report["success_rate"] == round(by_state["success"] / judged, 6)
    assert (report["p50_seconds"], report["p95_seconds"]) == (_disc(took, 0.5), _disc(took, 0.95))


async def test_days_end_at_midnight_utc_and_reports_take_whole_ones(platform: Platform, ada: Person) -> None:
    job = await ada.put_job()
    midnight = NOON.replace(hour=0)
    at = (midnight - timedelta(microseconds=1), midnight, midnight + timedelta(hours=1))
    await put_runs(platform, [run_of(ada, job["id"], each) for each in at])
    await _count(platform)
    today, yesterday = f"{NOON.date()}", f"{NOON.date() - timedelta(days=1)}"
    assert [each["runs"] for each in await _report(ada, to=today)] == [3]
    assert [each["runs"] for each in await _report(ada, **{"from": today, "to": today})] == [2]
    assert [each["runs"] for each in await _report(ada, **{"from": yesterday, "to": yesterday})] == [1]
    for days in ("from=2026-02-02&to=2026-02-01", "to=0001-01-01", "from=9999-12-31"):
        assert (await ada.api.get(f"/api/v1/reports/jobs?{days}")).status_code == 422, days


async def test_a_late_report_has_its_day_counted_again(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    await _count(platform, datetime.now(UTC))
    at = ago(days=9).isoformat()
    answer = await ada.api.post(
        "/api/v1/check-ins", json={"job": "default/hello", "kind": "finish", "at": at, "exit_code": 1}
    )
    assert answer.status_code == 200
    assert await _report(ada) == []
    await _count(platform, datetime.now(UTC))
    assert [(each["runs"], each["failures"]) for each in await _report(ada)] == [(1, 1)]


async def test_what_is_gone_is_counted_no_more(platform: Platform, ada: Person) -> None:
    job = await ada.put_job()
    await put_runs(platform, [run_of(ada, job["id"], NOON - timedelta(hours=1))])
    await _count(platform)
    async with platform.services.database.session(SCANNER) as session:
        await session.execute(text("DELETE FROM runs"))
    await _count(platform)
    assert await _report(ada) == []


async def test_reports_are_of_one_tenant_and_read_rollups_only(platform: Platform, ada: Person) -> None:
    job = await ada.put_job()
    grace = await platform.register("grace")
    await put_runs(platform, [run_of(ada, job["id"], NOON - timedelta(hours=1))])
    await _count(platform)
    async with platform.services.database.session(SCANNER) as session:
        await session.execute(text("DELETE FROM runs"))
    assert len(await _report(ada)) == 1
    assert await _report(grace) == []
    assert await _report(ada, "endpoints") == []  # nobody's machine ran it


async def _usual(platform: Platform) -> tuple[int | None, int, str]:
    async with platform.services.database.session(Scope(role="crontopus_scanner")) as session:
        row = (
            await session.execute(text("SELECT usual_ms, usual_runs, xmin::text FROM instance_status"))
        ).one()
        return row[0], row[1], row[2]


async def test_the_usual_duration_follows_and_is_not_written_for_nothing(
    platform: Platform, ada: Person
) -> None:
    job = await ada.put_job()

    async def add(duration_ms: int, count: int, **more: Any) -> None:
        await put_runs(
            platform,
            [
                run_of(ada, job["id"], ago(hours=each + 1), duration_ms=duration_ms, **more)
                for each in range(count)
            ],
        )

    await add(1_000, 30)
    await add(900_000, 30, state="failure")  # how long failing takes is another question
    await put_runs(platform, [run_of(ada, job["id"], ago(days=15), duration_ms=900_000)])
    now = datetime.now(UTC)
    await _count(platform, now)
    first = await _usual(platform)
    assert first[:2] == (1_000, 30)
    await add(1_040, 30)
    await _count(platform, now + timedelta(hours=2))
    assert await _usual(platform) == first
    await add(2_000, 60)
    await _count(platform, now + timedelta(hours=4))
    assert (await _usual(platform))[:2] == (2_000, 120)
