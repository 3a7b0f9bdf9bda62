"""Monthly partitions of runs and their output: made ahead of time, dropped whole when nobody needs them.

Months are those of UTC. A row of a month without a partition goes to the default one, so nothing is ever refused; it
moves when its month is made. Making and dropping tables is for their owner, whose account the worker uses: these
transactions enter no role.
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
# Check-ins wait while a partition is attached or dropped. Rather try again later than keep them waiting.
_LOCK_TIMEOUT = "1s"
_LOCK = 0x43525450
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
                    if await _make(connection, table, month):
                        log.info("partition_made", table=table, month=f"{month:%Y-%m}")
        return 0

    async def drop_before(self, instant: datetime) -> list[str]:
        """Drop every month that ended by then; the names of the partitions that went."""
        dropped = []
        async with await self._database.connect_direct(autocommit=True) as connection:
            for table in TABLES:
                for name in await _partitions(connection, table):
                    if _end(_month_of(table, name)) <= instant:
                        await _drop(connection, name)
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


def _name(table: str, month: date) -> str:
    return f"{table}_{month:%Y_%m}"


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
        # The owner itself sees no row: row-level security is forced on it, and it has no policy.
        await connection.execute("SELECT set_config('role', 'crontopus_scanner', true)")
        for table in TABLES:
            query = sql.SQL(
                "SELECT DISTINCT date_trunc('month', partition_at AT TIME ZONE 'UTC')::date FROM {}"
            )
            cursor = await connection.execute(query.format(sql.Identifier(f"{table}_default")))
            found |= {row[0] for row in await cursor.fetchall()}
    return found


async def _make(connection: Connection, table: str, month: date) -> bool:
    """False: it is there. Rows of that month leave the default partition in the same transaction."""
    name = _name(table, month)
    async with connection.transaction():
        # Two workers that start together must not both make it.
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        if name in await _partitions(connection, table):
            return False
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        names = {
            "table": sql.Identifier(table),
            "name": sql.Identifier(name),
            "default": sql.Identifier(f"{table}_default"),
            "start": sql.Literal(_start(month)),
            "end": sql.Literal(_end(month)),
        }
        for statement in _MAKE:
            await connection.execute(sql.SQL(statement).format(**names))
    return True


# Attached, not created as a partition: that would lock the whole table against check-ins, and be refused while
# the default partition has rows of that month. The owner may look at the default partition only in here, where
# it is locked anyhow.
_MAKE = (
    "CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)",
    "ALTER TABLE {default} NO FORCE ROW LEVEL SECURITY",
    """
    WITH moved AS (DELETE FROM {default} WHERE partition_at >= {start} AND partition_at < {end} RETURNING *)
    INSERT INTO {name} SELECT * FROM moved
    """,
    "ALTER TABLE {default} FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({end})",
)


async def _drop(connection: Connection, name: str) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        # Another worker may have been faster.
        await connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
