"""Our own outages: every process that takes check-ins says again and again that it could store one.

Silence of all of them means that nobody could report. The first to speak again writes down from when to when, in the
transaction of its heartbeat: whoever sees the heartbeat sees the outage.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins import store
from crontopus_api.checkins.status import Outage
from crontopus_api.kit.database import Database
from crontopus_api.kit.ids import uuid7

log = structlog.get_logger()

EVERY_SECONDS = 5.0
SILENCE = timedelta(seconds=15)
# No grace and no timeout is longer than 30 days.
_REMEMBERED = timedelta(days=65)
_MOST_OUTAGES = 1000
_LOCK = 7_036_874_417

Connection = psycopg.AsyncConnection[Any]

# A clock that was set back leaves heartbeats in the future; they say nothing.
_BEAT = """
    WITH before AS (SELECT max(at) AS at FROM ingest_heartbeats WHERE at <= clock_timestamp()),
    beat AS (
        INSERT INTO ingest_heartbeats AS h (process_id, at) VALUES (%(process)s, clock_timestamp())
        ON CONFLICT (process_id) DO UPDATE SET at = excluded.at
        RETURNING h.at
    ),
    swept AS (
        DELETE FROM ingest_heartbeats
        WHERE process_id <> %(process)s
            AND (at < clock_timestamp() - interval '1 day' OR at > clock_timestamp() + interval '1 minute')
    )
    INSERT INTO ingest_outages (id, began_at, ended_at)
    SELECT %(outage)s, before.at, beat.at FROM before, beat WHERE beat.at - before.at > %(silence)s
    RETURNING began_at, ended_at
"""


async def beat(connection: Connection, process_id: UUID) -> Outage | None:
    """Say that check-ins can be stored; answers the outage that ends with this. Opens its own transaction."""
    async with connection.transaction():
        await store.enter_role(connection, "crontopus_ingest")
        # One after the other, so that an outage is written down once.
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        parameters = {"process": process_id, "outage": uuid7(), "silence": SILENCE}
        row = await (await connection.execute(_BEAT, parameters)).fetchone()
    return None if row is None else Outage(row[0], row[1])


async def known_outages(connection: Connection, now: datetime) -> list[Outage] | None:
    """Those that may still matter, oldest first; None while one lasts. An installation that has never had a heartbeat
    has none."""
    cursor = await connection.execute(
        "SELECT max(at) FROM ingest_heartbeats WHERE at <= %s", (now,), prepare=True
    )
    row = await cursor.fetchone()
    if row is not None and row[0] is not None and now - row[0] > SILENCE:
        return None
    cursor = await connection.execute(
        "SELECT began_at, ended_at FROM ingest_outages WHERE ended_at > %s ORDER BY ended_at DESC LIMIT %s",
        (now - _REMEMBERED, _MOST_OUTAGES),
        prepare=True,
    )
    return [Outage(*found) for found in reversed(await cursor.fetchall())]


_LAST = text(
    "SELECT (SELECT max(at) FROM ingest_heartbeats WHERE at <= :now) AS beat,"
    " (SELECT max(ended_at) FROM ingest_outages) AS ended"
)


async def reachable_since(session: AsyncSession, now: datetime) -> datetime | None:
    """Since when there was no outage of ours; None while one lasts. In the scanner's role."""
    row = (await session.execute(_LAST, {"now": now})).one()
    if row.beat is not None and now - row.beat > SILENCE:
        return None
    ended: datetime | None = row.ended
    return ended or datetime.min.replace(tzinfo=UTC)


class Heartbeats:
    """Beats for this process, from start to stop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._process_id = uuid7()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._beat_on(), name="ingest heartbeats")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _beat_on(self) -> None:
        while True:
            try:
                async with await self._database.connect_direct() as connection:
                    while True:
                        await self._beat(connection)
                        await asyncio.sleep(EVERY_SECONDS)
            except (psycopg.Error, OSError) as error:
                # That is what the silence is for.
                log.warning("heartbeat_failed", error=str(error))
            await asyncio.sleep(1)

    async def _beat(self, connection: Connection) -> None:
        outage = await beat(connection, self._process_id)
        if outage is not None:
            log.warning("nobody_could_report", since=str(outage.began_at), until=str(outage.ended_at))
