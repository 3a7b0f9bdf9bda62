"""What a batch of check-ins must be known of: instances, loaded and locked, and messages seen before.

Raw psycopg, because each statement here runs for every check-in of the installation.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from crontopus_api.checkins.engine import OpenRun, Status
from crontopus_api.checkins.records import Live, Output, stored_output
from crontopus_api.jobs.expectation import Expectation

Connection = psycopg.AsyncConnection[Any]
Key = tuple[UUID, UUID]
"""(tenant id, instance id)"""
RunKey = tuple[UUID, datetime, UUID]
"""(tenant id, partition_at, run id)"""

# 64 KiB, which is what jobs keep unless they say otherwise, and the line that says how much was left out.
_MOST_JOINED_BYTES = (64 << 10) + 64
# In the order of `Status`.
_STATUS_COLUMNS = """s.state, s.since, s.version, s.due_at, s.deadline_at, s.last_seen_at, s.failures,
    s.successes, s.open_runs, s.missed_slot_at, s.excused_until, s.usual_ms, s.usual_runs, s.warnings,
    s.xmin::text"""
_OPEN_RUNS = [field.name for field in fields(Status)].index("open_runs")
# In the order of `Live`.
_INSTANCE_COLUMNS = "i.tenant_id, i.id, i.job_id, i.endpoint_id, i.expectation::text"
_OF_INSTANCE = 5


async def enter_role(connection: Connection, role: str) -> datetime:
    """Act as `role` until the transaction ends; answers the database's time."""
    cursor = await connection.execute("SELECT set_config('role', %s, true), clock_timestamp()", (role,))
    row = await cursor.fetchone()
    assert row is not None
    now: datetime = row[1]
    return now


async def by_keys(connection: Connection) -> None:
    """Find rows by their keys on this connection, one after the other in the order that is asked for, however many
    the planner believes there are: its guess may be of a day when a table was nearly empty."""
    await connection.execute(
        "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
    )


async def resolve_digests(connection: Connection, digests: list[bytes]) -> dict[bytes, Key]:
    """Ping keys to the ping-mode instances they stand for."""
    # cross-tenant: the key says whose it is
    cursor = await connection.execute(
        """
        SELECT k.digest, i.tenant_id, i.id
        FROM job_ping_keys k
        JOIN instances i ON i.tenant_id = k.tenant_id AND i.job_id = k.job_id
        WHERE k.digest = ANY(%s) AND i.endpoint_id IS NULL AND i.retired_at IS NULL
        """,
        (digests,),
    )
    return {row[0]: (row[1], row[2]) for row in await cursor.fetchall()}


async def load(connection: Connection, keys: Iterable[Key]) -> dict[Key, Live]:
    """The instances named by `keys`, their status rows locked in order of id."""
    wanted = sorted(set(keys), key=lambda key: key[1])
    arrays = ([key[0] for key in wanted], [key[1] for key in wanted])
    cursor = await connection.execute(
        f"""
        SELECT {_INSTANCE_COLUMNS}
        FROM unnest(%s::uuid[], %s::uuid[]) AS w(tenant_id, id)
        JOIN instances i ON i.tenant_id = w.tenant_id AND i.id = w.id
        """,  # noqa: S608 - our own column list
        arrays,
    )
    found = await cursor.fetchall()
    cursor = await connection.execute(
        f"""
        SELECT s.tenant_id, s.instance_id, {_STATUS_COLUMNS}
        FROM unnest(%s::uuid[], %s::uuid[]) AS w(tenant_id, instance_id)
        JOIN instance_status s ON s.tenant_id = w.tenant_id AND s.instance_id = w.instance_id
        ORDER BY s.instance_id
        FOR UPDATE OF s
        """,  # noqa: S608 - our own column list
        arrays,
    )
    locked = {(row[0], row[1]): row[2:] for row in await cursor.fetchall()}
    return {key: _live(row, locked.get(key)) for row in found if (key := (row[0], row[1]))}


async def claim_overdue(connection: Connection, now: datetime, limit: int) -> list[Live]:
    """Instances whose deadline has passed and that no other worker holds, locked."""
    # cross-tenant: deadlines pass for all alike
    cursor = await connection.execute(
        f"""
        SELECT {_INSTANCE_COLUMNS}, {_STATUS_COLUMNS}
        FROM instance_status s
        JOIN instances i ON i.tenant_id = s.tenant_id AND i.id = s.instance_id
        WHERE s.deadline_at <= %s
        ORDER BY s.deadline_at
        LIMIT %s
        FOR UPDATE OF s SKIP LOCKED
        """,  # noqa: S608 - our own column list
        (now, limit),
    )
    return [_live(row[:_OF_INSTANCE], row[_OF_INSTANCE:]) for row in await cursor.fetchall()]


@lru_cache(maxsize=4096)
def _expectation(data: str) -> Expectation:
    """Of many instances it is the same: of all of a job, and of jobs that differ in their commands only."""
    return Expectation.from_json(msgspec.json.decode(data))


def _live(instance: Sequence[Any], status: Sequence[Any] | None) -> Live:
    tenant_id, instance_id, job_id, endpoint_id, expectation = instance
    if status is None:
        return Live(tenant_id, instance_id, job_id, endpoint_id, _expectation(expectation), None)
    *columns, seen = status
    found = Status(*columns)
    if found.open_runs:
        found.open_runs = [_open_run(run) for run in columns[_OPEN_RUNS]]
    return Live(tenant_id, instance_id, job_id, endpoint_id, _expectation(expectation), found, seen)


def _open_run(stored: dict[str, Any]) -> OpenRun:
    return OpenRun(
        UUID(stored["run_id"]),
        datetime.fromisoformat(stored["partition_at"]),
        datetime.fromisoformat(stored["started_at"]),
        stored["flagged"],
        stored.get("printed", False),
    )


async def find_outputs(connection: Connection, wanted: Iterable[RunKey]) -> dict[UUID, Output]:
    """By run: what is kept of its output, if that is not too much to be held for each of a group."""
    rows = list(wanted)
    cursor = await connection.execute(
        """
        SELECT r.id, o.content, r.output_total_bytes, r.output_truncated
        FROM unnest(%s::uuid[], %s::timestamptz[], %s::uuid[]) AS w(tenant_id, partition_at, id)
        JOIN runs r ON (r.tenant_id, r.partition_at, r.id) = (w.tenant_id, w.partition_at, w.id)
        JOIN run_outputs o ON (o.tenant_id, o.partition_at, o.run_id) = (w.tenant_id, w.partition_at, w.id)
        WHERE r.output_bytes <= %s
        """,
        ([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], _MOST_JOINED_BYTES),
    )
    return {row[0]: stored_output(*row[1:]) for row in await cursor.fetchall()}


async def find_own_runs(
    connection: Connection, wanted: Sequence[RunKey]
) -> dict[tuple[UUID, UUID], tuple[UUID, datetime]]:
    """(instance, id) → (id, partition_at) of runs that are called by the message that began them."""
    cursor = await connection.execute(
        """
        SELECT r.instance_id, r.id, r.partition_at
        FROM unnest(%s::uuid[], %s::timestamptz[], %s::uuid[]) AS w(tenant_id, partition_at, id)
        JOIN runs r ON (r.tenant_id, r.partition_at, r.id) = (w.tenant_id, w.partition_at, w.id)
        """,
        ([row[0] for row in wanted], [row[1] for row in wanted], [row[2] for row in wanted]),
    )
    return {(row[0], row[1]): (row[1], row[2]) for row in await cursor.fetchall()}


async def find_keys(
    connection: Connection, wanted: Iterable[tuple[UUID, UUID, UUID]]
) -> dict[tuple[UUID, UUID], tuple[UUID, datetime]]:
    """(instance, key) → (run id, partition_at) for the (tenant, instance, key)s seen before."""
    rows = list(wanted)
    cursor = await connection.execute(
        """
        SELECT k.instance_id, k.key, k.run_id, k.partition_at
        FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS w(tenant_id, instance_id, key)
        JOIN run_keys k ON (k.tenant_id, k.instance_id, k.key) = (w.tenant_id, w.instance_id, w.key)
        """,
        ([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]),
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in await cursor.fetchall()}
