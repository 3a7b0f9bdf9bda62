"""What is too old goes; what went wrong, and what another tenant's plan keeps, stays."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from crontopus_api.checkins.runs import retention_repository
from crontopus_api.kit.ids import uuid7
from crontopus_api.tenants.plans import PLANS, Plan

from ...platform import Person, Platform
from .history import INGEST, SCANNER, ago, count, places, put_output, put_runs, run_of


@pytest.fixture(autouse=True)
def _plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        PLANS, "business", Plan("business", jobs=20, repository_bytes=1 << 20, run_days=7, failure_days=100)
    )


async def _states(person: Person) -> list[str]:
    return sorted(run["state"] for run in (await person.get("/runs"))["items"])


async def test_runs_go_by_plan_and_failures_later(platform: Platform, ada: Person) -> None:
    job = await ada.put_job()
    kept = [
        run_of(ada, job["id"], ago(days=6)),
        run_of(ada, job["id"], ago(days=99), state="failure"),
        run_of(ada, job["id"], ago(days=20), state="missed"),
    ]
    gone = [
        run_of(ada, job["id"], ago(days=8)),
        run_of(ada, job["id"], ago(days=9), state="skipped"),
        run_of(ada, job["id"], ago(days=101), state="failure"),
    ]
    await put_runs(platform, kept + gone)
    await put_output(platform, kept[0], b"kept")
    await put_output(platform, gone[0], b"gone")
    await platform.services.retention.round()
    assert await _states(ada) == ["failure", "missed", "success"]
    assert sum((await places(platform, "run_outputs")).values()) == 1


async def test_batches_follow_each_other_until_nothing_is_left(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_repository, "BATCH", 3)
    job = await ada.put_job()
    await put_runs(platform, [run_of(ada, job["id"], ago(days=10, minutes=each)) for each in range(10)])
    await platform.services.retention.round()
    assert await places(platform) == {}


async def test_a_month_is_dropped_only_when_no_tenant_needs_it(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    grace = await platform.register("grace")
    job = await ada.put_job()
    await put_runs(platform, [run_of(ada, job["id"], ago(days=200))])
    await platform.services.partitions.round()
    [month] = await places(platform)
    monkeypatch.setitem(
        PLANS, "long", Plan("long", jobs=1, repository_bytes=1, run_days=300, failure_days=300)
    )
    async with platform.services.database.tenant(grace.tenant_id) as session:
        await session.execute(text("UPDATE tenants SET plan = 'long'"))
    await put_runs(platform, [run_of(grace, job["id"], ago(days=200))])
    await platform.services.retention.round()
    assert await places(platform) == {month: 1}
    async with platform.services.database.tenant(grace.tenant_id) as session:
        await session.execute(text("UPDATE tenants SET plan = 'business'"))
    await platform.services.retention.round()
    async with platform.services.database.session(SCANNER) as session:
        assert await session.scalar(text("SELECT to_regclass(:name)"), {"name": month}) is None


async def test_ids_of_messages_are_forgotten_after_35_days(platform: Platform, ada: Person) -> None:
    url = (await ada.put_job())["ping_url"]
    await platform.ping(f"{url}?rid={uuid7()}")
    async with platform.services.database.session(INGEST) as session:
        await session.execute(
            text(
                "INSERT INTO run_keys SELECT tenant_id, instance_id, :key, run_id, partition_at,"
                " created_at - :age FROM run_keys"
            ),
            {"key": uuid7(), "age": timedelta(days=36)},
        )
    async with platform.services.database.session(SCANNER) as session:
        assert await count(session, "run_keys") == 2
    await platform.services.retention.round()
    async with platform.services.database.session(SCANNER) as session:
        assert await count(session, "run_keys") == 1


async def test_changes_go_when_they_are_old_and_claimed(platform: Platform, ada: Person) -> None:
    await platform.ping((await ada.put_job())["ping_url"])
    await platform.services.incident_keeper.handle_changes()
    await platform.ping((await ada.get("/jobs/default/hello"))["ping_url"] + "/fail")
    async with platform.services.database.session(SCANNER) as session:
        await session.execute(text("UPDATE status_changes SET recorded_at = now() - interval '101 days'"))
        claimed = await session.scalar(
            text("SELECT count(*) FROM status_changes WHERE claimed_at IS NOT NULL")
        )
        assert claimed == await count(session, "status_changes") - 1 > 0
    await platform.services.retention.round()
    async with platform.services.database.session(SCANNER) as session:
        assert await count(session, "status_changes") == 1
