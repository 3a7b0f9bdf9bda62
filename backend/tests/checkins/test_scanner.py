"""Deadlines in the database: the scanner, late reports and our own outages, from the request to the incident."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from crontopus_api.checkins import heartbeats
from crontopus_api.checkins.scanner import scan_once

from ..platform import Person, Platform

SLOT = "date_trunc('minute', clock_timestamp()) - interval '20 minutes'"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
async def scanner(database_url: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        yield connection


async def overdue(database: psycopg.AsyncConnection[Any], slot: str = SLOT) -> datetime:
    """Set every instance back to where a slot 20 minutes ago was due, with a grace of five."""
    row = await (
        await database.execute(
            f"UPDATE instance_status SET state = 'healthy', due_at = {slot},"
            f" deadline_at = {slot} + interval '5 minutes', last_seen_at = {slot} - interval '1 day' RETURNING due_at"
        )
    ).fetchone()
    assert row is not None
    due: datetime = row[0]
    return due.astimezone(UTC)


async def daily_job(person: Person, name: str = "default/hello", **spec: Any) -> dict[str, Any]:
    """A job whose slot was 20 minutes ago."""
    at = datetime.now(UTC) - timedelta(minutes=20)
    return await person.put_job(name, schedule=f"{at.minute} {at.hour} * * *", **spec)


async def runs(person: Person) -> list[dict[str, Any]]:
    return (await person.get("/runs"))["items"]


async def report(person: Person, at: datetime, **more: Any) -> None:
    body = {"job": "default/hello", "kind": "finish", "at": at.isoformat(), **more}
    answer = await person.api.post("/api/v1/check-ins", json=body)
    assert answer.status_code == 200, answer.text


async def test_a_missed_slot_is_told_and_stands_in_the_history(
    platform: Platform, ada: Person, database: psycopg.AsyncConnection, scanner: psycopg.AsyncConnection
) -> None:
    await daily_job(ada)
    slot = await overdue(database)
    assert await scan_once(scanner) == 1
    assert await scan_once(scanner) == 0
    assert (await ada.get("/jobs/default/hello"))["state"] == "missed"
    assert [(run["state"], datetime.fromisoformat(run["slot_at"])) for run in await runs(ada)] == [
        ("missed", slot)
    ]


async def test_a_report_twenty_minutes_late_takes_back_the_miss_and_marks_the_incident(
    platform: Platform, ada: Person, database: psycopg.AsyncConnection, scanner: psycopg.AsyncConnection
) -> None:
    await daily_job(ada)
    slot = await overdue(database)
    await scan_once(scanner)
    await platform.services.incident_keeper.handle_changes()
    await report(ada, slot + timedelta(seconds=30), duration_seconds=20)
    await platform.services.incident_keeper.handle_changes()
    assert (await ada.get("/jobs/default/hello"))["state"] == "healthy"
    found = await runs(ada)
    assert [run["state"] for run in found] == ["success"], "the missed run is gone from the history"
    assert datetime.fromisoformat(found[0]["slot_at"]) == slot
    incident = (await ada.get("/incidents"))["items"][0]
    assert incident["state"] == "resolved"
    events = (await ada.get(f"/incidents/{incident['id']}"))["events"]
    assert any(event["message"].startswith("retracted:") for event in events)


async def test_a_report_of_an_older_run_does_not_become_the_last_one(
    platform: Platform, ada: Person, database: psycopg.AsyncConnection
) -> None:
    await daily_job(ada)
    now = datetime.now(UTC)
    await report(ada, now, exit_code=0)
    await report(ada, now - timedelta(hours=3), exit_code=4)
    instance = (await ada.get("/jobs/default/hello"))["instances_list"][0]
    assert instance["state"] == "healthy"
    assert instance["last_run"]["exit_code"] == 0


async def test_two_workers_never_tell_the_same_slot_twice(
    platform: Platform, ada: Person, database: psycopg.AsyncConnection, database_url: str
) -> None:
    for index in range(40):
        await daily_job(ada, f"default/job-{index}")
    await overdue(database)

    async def work() -> int:
        count = 0
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
            while found := await scan_once(connection, batch=7):
                count += found
        return count

    assert sum(await asyncio.gather(work(), work())) == 40
    states = await database.execute("SELECT to_state, count(*) FROM status_changes GROUP BY to_state")
    assert await states.fetchall() == [("missed", 40)]


async def test_a_worker_killed_in_the_middle_leaves_nothing_half_done(
    platform: Platform, ada: Person, database: psycopg.AsyncConnection, database_url: str
) -> None:
    await daily_job(ada)
    await overdue(database)
    victim = await psycopg.AsyncConnection.connect(database_url)
    async with victim.transaction():
        assert await scan_once(victim) == 1
        await database.execute("SELECT pg_terminate_backend(%s)", (victim.info.backend_pid,))
        with pytest.raises(psycopg.OperationalError):
            await victim.execute("SELECT 1")
        await victim.close()
    assert await runs(ada) == []
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as successor:
        assert await scan_once(successor) == 1
    assert len(await runs(ada)) == 1


async def heartbeat(database: psycopg.AsyncConnection, ago: str) -> None:
    await database.execute(
        "INSERT INTO ingest_heartbeats VALUES (%s, clock_timestamp() - %s::interval)", (uuid4(), ago)
    )


async def test_an_outage_of_ten_minutes_raises_no_alarm(
    platform: Platform, ada: Person, database: psycopg.AsyncConnection, scanner: psycopg.AsyncConnection
) -> None:
    await daily_job(ada)
    slot = await overdue(database)
    # Silent from two minutes before the slot's grace ended until twelve minutes later: ten minutes.
    await heartbeat(database, "17 minutes")
    assert await scan_once(scanner) == 0, "while nobody can report nothing is missed"
    found = await heartbeats.beat(scanner, uuid4())
    assert found is not None
    await database.execute("UPDATE ingest_outages SET ended_at = began_at + interval '10 minutes'")
    assert await scan_once(scanner) == 1
    assert (await ada.get("/jobs/default/hello"))["state"] == "healthy"
    assert [(run["state"], run["slot_at"] is not None) for run in await runs(ada)] == [("skipped", True)]
    assert (await database.execute("SELECT 1 FROM status_changes")).rowcount == 0
    # A report that was kept comes after all: the row that excused it goes.
    await report(ada, slot + timedelta(seconds=2))
    assert [run["state"] for run in await runs(ada)] == ["success"]


async def test_right_after_an_outage_reports_are_waited_for(
    platform: Platform, ada: Person, database: psycopg.AsyncConnection, scanner: psycopg.AsyncConnection
) -> None:
    await daily_job(ada)
    await overdue(database)
    await heartbeat(database, "17 minutes")
    await heartbeats.beat(scanner, uuid4())
    assert await scan_once(scanner) == 1
    assert await scan_once(scanner) == 0
    row = await (
        await database.execute(
            "SELECT excused_until - clock_timestamp(), due_at < now() FROM instance_status"
        )
    ).fetchone()
    assert row is not None
    assert timedelta(minutes=4) < row[0] <= timedelta(minutes=5)
    assert row[1], "the slot is still due"


async def test_silence_counts_from_the_last_of_all_processes(
    platform: Platform, database: psycopg.AsyncConnection, scanner: psycopg.AsyncConnection
) -> None:
    await heartbeat(database, "10 minutes")
    await heartbeat(database, "4 seconds")
    await heartbeat(database, "-10 minutes")  # of before the clock was set back
    assert await heartbeats.beat(scanner, uuid4()) is None
    async with scanner.transaction():
        await scanner.execute("SET LOCAL ROLE crontopus_scanner")
        assert await heartbeats.known_outages(scanner, datetime.now(UTC)) == []


async def test_a_fresh_installation_has_no_outage(
    platform: Platform, ada: Person, database: psycopg.AsyncConnection, scanner: psycopg.AsyncConnection
) -> None:
    await daily_job(ada)
    await overdue(database)
    assert await scan_once(scanner) == 1
    assert (await ada.get("/jobs/default/hello"))["state"] == "missed"


async def test_a_process_beats_from_start_to_stop(
    platform: Platform, database: psycopg.AsyncConnection
) -> None:
    platform.services.ingest.heartbeats.start()
    async with asyncio.timeout(10):
        while (await database.execute("SELECT 1 FROM ingest_heartbeats")).rowcount == 0:
            pass
    await platform.services.ingest.heartbeats.stop()


async def test_a_run_given_up_is_lost_in_the_history(
    platform: Platform, ada: Person, database: psycopg.AsyncConnection, scanner: psycopg.AsyncConnection
) -> None:
    url = (await daily_job(ada, timeout="1m"))["ping_url"]
    await platform.ping(url + "/start")
    # A day and an hour go by.
    await database.execute(
        "UPDATE instance_status SET deadline_at = now() - interval '1 hour', open_runs = jsonb_set(open_runs,"
        " '{0,started_at}', to_jsonb(now() - interval '25 hours'))"
    )
    assert await scan_once(scanner) == 1
    assert (await ada.get("/jobs/default/hello"))["state"] == "failing"
    assert [run["state"] for run in await runs(ada)] == ["lost"]
