"""Monthly partitions of runs and their output: made ahead of time, dropped whole when nobody needs them.

Months are those of UTC. A row of a month without a partition goes to the default one, so nothing is ever refused; it
moves when its month is made. Making and dropping tables is for their owner: functions of the owner do it (migration
0015), which the scanner's role may call. They would rather fail than keep check-ins waiting for long.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import structlog
from psycopg import sql

from crontopus_api.checkins.fold import REMEMBERED
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database

log = structlog.get_logger()

TABLES = ("runs", "run_outputs")
MONTHS_AHEAD = 3
Connection = psycopg.AsyncConnection[Any]


class PartitionKeeper:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def round(self) -> int:
        """Make what is missing. Answers 0: months do not pass in a hurry."""
        async with await self._database.connect_direct(autocommit=True) as connection:
            for month in await self._wanted(connection):
                for table in TABLES:
                    if await _change(connection, "make_partition", table, month):
                        log.info("partition_made", table=table, month=f"{month:%Y-%m}")
        return 0

    async def drop_before(self, instant: datetime) -> list[str]:
        """Drop every month that ended by then; the names of the partitions that went."""
        dropped = []
        async with await self._database.connect_direct(autocommit=True) as connection:
            for table in TABLES:
                for name in await _partitions(connection, table):
                    month = _month_of(table, name)
                    if _end(month) <= instant and await _change(connection, "drop_partition", table, month):
                        dropped.append(name)
        if dropped:
            log.info("partitions_dropped", names=dropped)
        return dropped

    async def _wanted(self, connection: Connection) -> list[date]:
        """From the oldest report that is still taken to some months from now; and what waits in the default one."""
        now = self._clock.now()
        ahead = _month(now)
        for _ in range(MONTHS_AHEAD):
            ahead = _next(ahead)
        return sorted({*_months(_month(now - REMEMBERED), ahead), *await _waiting(connection)})


def _month(instant: datetime) -> date:
    return instant.astimezone(UTC).date().replace(day=1)


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _months(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first = _next(first)


def _start(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def _end(month: date) -> datetime:
    return _start(_next(month))


def _month_of(table: str, name: str) -> date:
    year, month = name.removeprefix(f"{table}_").split("_")
    return date(int(year), int(month), 1)


async def _partitions(connection: Connection, table: str) -> list[str]:
    """The monthly ones, oldest first."""
    cursor = await connection.execute(
        """
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = %s::regclass AND c.relname <> %s ORDER BY c.relname
        """,
        (table, f"{table}_default"),
    )
    return [row[0] for row in await cursor.fetchall()]


async def _waiting(connection: Connection) -> set[date]:
    """The months of the rows in the default partitions."""
    found: set[date] = set()
    async with connection.transaction():
        await _enter_role(connection)
        for table in TABLES:
            query = sql.SQL(
                "SELECT DISTINCT date_trunc('month', partition_at AT TIME ZONE 'UTC')::date FROM {}"
            )
            cursor = await connection.execute(query.format(sql.Identifier(f"{table}_default")))
            found |= {row[0] for row in await cursor.fetchall()}
    return found


async def _change(connection: Connection, function: str, table: str, month: date) -> bool:
    """Whether there was anything to make or drop. Raises LockNotAvailable when check-ins would have to wait."""
    async with connection.transaction():
        await _enter_role(connection)
        query = sql.SQL("SELECT {}(%s, %s)").format(sql.Identifier(function))
        row = await (await connection.execute(query, (table, month))).fetchone()
    return bool(row and row[0])


async def _enter_role(connection: Connection) -> None:
    await connection.execute("SELECT set_config('role', 'crontopus_scanner', true)")
