"""Months are made ahead, take over what waited for them, and go whole when nobody needs them."""

import asyncio
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import text

from crontopus_api.checkins.runs.partitions import PartitionKeeper
from crontopus_api.kit.clock import FixedClock

from ...platform import Person, Platform
from .history import SCANNER, ago, places, put_output, put_runs, run_of


def _keeper(platform: Platform, at: datetime) -> PartitionKeeper:
    return PartitionKeeper(platform.services.database, FixedClock(at))


async def _names(platform: Platform) -> set[str]:
    async with platform.services.database.session(SCANNER) as session:
        rows = await session.execute(
            text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'runs'::regclass")
        )
        return set(rows.scalars())


async def test_months_are_made_from_the_oldest_report_taken_to_three_ahead(platform: Platform) -> None:
    keeper = _keeper(platform, datetime(2026, 12, 5, tzinfo=UTC))
    await keeper.round()
    await keeper.round()
    months = {"2026_10", "2026_11", "2026_12", "2027_01", "2027_02", "2027_03"}
    # 35 days before the 5th of December is the last of October.
    assert await _names(platform) == {"runs_default", *(f"runs_{month}" for month in months)}


async def test_what_waited_in_the_default_partition_moves(platform: Platform, ada: Person) -> None:
    job = await ada.put_job()
    old, new = datetime(2024, 2, 29, 23, 59, 59, 999_000, UTC), datetime(2026, 11, 1, tzinfo=UTC)
    runs = [run_of(ada, job["id"], at) for at in (old, new)]
    await put_runs(platform, runs)
    await put_output(platform, runs[0], b"x")
    assert await places(platform) == {"runs_default": 2}
    await _keeper(platform, datetime(2026, 11, 20, tzinfo=UTC)).round()
    assert await places(platform) == {"runs_2024_02": 1, "runs_2026_11": 1}
    assert await places(platform, "run_outputs") == {"run_outputs_2024_02": 1}
    assert [run["id"] for run in (await ada.get("/runs"))["items"]] == [
        str(run["id"]) for run in reversed(runs)
    ]


async def test_workers_that_start_together_do_not_collide(platform: Platform) -> None:
    keepers = [_keeper(platform, datetime(2026, 5, 1, tzinfo=UTC)) for _ in range(3)]
    await asyncio.gather(*(keeper.round() for keeper in keepers))
    assert len(await _names(platform)) == 1 + 6


async def test_partitions_are_closed_like_the_table_itself(platform: Platform, database_url: str) -> None:
    await _keeper(platform, datetime(2026, 5, 1, tzinfo=UTC)).round()
    with psycopg.connect(database_url) as connection:
        open_ones = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^run(s|_outputs)_'"
            " AND NOT (relrowsecurity AND relforcerowsecurity)"
        ).fetchall()
        assert open_ones == []
        connection.execute("SET ROLE crontopus_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM runs_2026_05")


async def test_a_locked_table_is_left_for_the_next_round(platform: Platform, database_url: str) -> None:
    keeper = _keeper(platform, datetime(2026, 5, 1, tzinfo=UTC))
    with psycopg.connect(database_url) as connection:
        connection.execute("LOCK TABLE runs_default IN ROW EXCLUSIVE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await keeper.round()
    await keeper.round()
    assert "runs_2026_05" in await _names(platform)


async def test_months_that_ended_in_time_are_dropped(platform: Platform, ada: Person) -> None:
    job = await ada.put_job()
    await put_runs(platform, [run_of(ada, job["id"], datetime(2025, 1, 31, tzinfo=UTC))])
    keeper = _keeper(platform, ago(days=0))
    await keeper.round()
    assert await keeper.drop_before(datetime(2025, 1, 31, 23, 59, tzinfo=UTC)) == []
    assert await keeper.drop_before(datetime(2025, 2, 1, tzinfo=UTC)) == [
        "runs_2025_01",
        "run_outputs_2025_01",
    ]
    assert await places(platform) == {}
