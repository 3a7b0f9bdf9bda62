"""A check-in that meets another transaction crosswise is written all the same."""

import asyncio
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from crontopus_api.checkins.records import CheckIn, Target
from crontopus_api.kit.ids import uuid7

from ..platform import Person, Platform

_LOCK = "SELECT 1 FROM instance_status WHERE instance_id = %s FOR UPDATE"


async def _until_somebody_waits(connection: psycopg.AsyncConnection) -> None:
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not await (await connection.execute(waiting)).fetchone():
            pass


async def test_the_victim_of_a_deadlock_is_tried_again(
    platform: Platform, ada: Person, database_url: str, postgres_url: str
) -> None:
    name = urlsplit(database_url).path.lstrip("/")
    here = make_conninfo(postgres_url, dbname=name)
    # Who has waited that long looks for a deadlock once, and is ended when there is one: the writer.
    async with await psycopg.AsyncConnection.connect(here, autocommit=True) as admin:
        await admin.execute(f"ALTER DATABASE {name} SET deadlock_timeout = '3s'")
    jobs = [await ada.put_job(f"default/{name}") for name in ("one", "two")]
    low, high = sorted(UUID(job["instances_list"][0]["id"]) for job in jobs)

    def finish(instance_id: UUID) -> CheckIn:
        target = Target(tenant_id=ada.tenant_id, instance_id=instance_id)
        return CheckIn(uuid7(), target, "finish", "api", outcome="success")

    other = await psycopg.AsyncConnection.connect(here)
    watch = await psycopg.AsyncConnection.connect(here, autocommit=True)
    async with other, watch:
        await other.execute("SET deadlock_timeout = '1h'")
        await other.execute(_LOCK, (high,))
        writing = asyncio.create_task(platform.services.ingest.writer.submit_all([finish(low), finish(high)]))
        await _until_somebody_waits(watch)
        # Now each holds what the other wants.
        await other.execute(_LOCK, (low,))
        await other.commit()
        assert [answer.status for answer in await writing] == ["accepted", "accepted"]
    assert len((await ada.get("/runs"))["items"]) == 2
