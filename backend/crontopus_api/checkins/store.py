"""The SQL of the hot path: loads and locks a batch of instances, writes what became of them.

Raw psycopg, because each statement here runs for every check-in of the installation.
"""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from crontopus_api.checkins.engine import Change, OpenRun, Status
from crontopus_api.checkins.records import Live, RunRow
from crontopus_api.jobs.expectation import Expectation

Connection = psycopg.AsyncConnection[Any]
Key = tuple[UUID, UUID]
"""(tenant id, instance id)"""

_STATUS_COLUMNS = """s.state, s.since, s.version, s.due_at, s.deadline_at, s.last_seen_at, s.failures,
    s.successes, s.open_runs"""


async def enter_role(connection: Connection, role: str) -> datetime:
    """Act as `role` until the transaction ends; answers the database's time."""
    cursor = await connection.execute("SELECT set_config('role', %s, true), clock_timestamp()", (role,))
    row = await cursor.fetchone()
    assert row is not None
    now: datetime = row[1]
    return now


async def resolve_digests(connection: Connection, digests: list[bytes]) -> dict[bytes, Key]:
    """Ping keys to the ping-mode instances they stand for."""
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
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            """
            SELECT i.tenant_id, i.id AS instance_id, i.job_id, i.endpoint_id, i.expectation
            FROM unnest(%s::uuid[], %s::uuid[]) AS w(tenant_id, id)
            JOIN instances i ON i.tenant_id = w.tenant_id AND i.id = w.id
            """,
            arrays,
        )
        found = await cursor.fetchall()
        await cursor.execute(
            f"""
            SELECT s.tenant_id, s.instance_id, {_STATUS_COLUMNS}
            FROM unnest(%s::uuid[], %s::uuid[]) AS w(tenant_id, instance_id)
            JOIN instance_status s ON s.tenant_id = w.tenant_id AND s.instance_id = w.instance_id
            ORDER BY s.instance_id
            FOR UPDATE OF s
            """,  # noqa: S608 - our own column list
            arrays,
        )
        locked = {(row["tenant_id"], row["instance_id"]): _status(row) for row in await cursor.fetchall()}
    return {
        key: _live(row, locked.get(key)) for row in found if (key := (row["tenant_id"], row["instance_id"]))
    }


async def claim_overdue(connection: Connection, now: datetime, limit: int) -> list[Live]:
    """Instances whose deadline has passed and that no other worker holds, locked."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            f"""
            SELECT i.tenant_id, i.id AS instance_id, i.job_id, i.endpoint_id, i.expectation, {_STATUS_COLUMNS}
            FROM instance_status s
            JOIN instances i ON i.tenant_id = s.tenant_id AND i.id = s.instance_id
            WHERE s.deadline_at <= %s
            ORDER BY s.deadline_at
            LIMIT %s
            FOR UPDATE OF s SKIP LOCKED
            """,  # noqa: S608 - our own column list
            (now, limit),
        )
        return [_live(row, _status(row)) for row in await cursor.fetchall()]


def _live(row: dict[str, Any], status: Status | None) -> Live:
    return Live(
        tenant_id=row["tenant_id"],
        instance_id=row["instance_id"],
        job_id=row["job_id"],
        endpoint_id=row["endpoint_id"],
        expectation=Expectation.from_json(row["expectation"]),
        status=status,
    )


def _status(row: dict[str, Any]) -> Status:
    return Status(
        state=row["state"],
        since=row["since"],
        version=row["version"],
        due_at=row["due_at"],
        deadline_at=row["deadline_at"],
        last_seen_at=row["last_seen_at"],
        failures=row["failures"],
        successes=row["successes"],
        open_runs=[
            OpenRun(
                UUID(run["run_id"]),
                datetime.fromisoformat(run["partition_at"]),
                datetime.fromisoformat(run["started_at"]),
                run["flagged"],
            )
            for run in row["open_runs"]
        ],
    )


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


async def add_keys(
    connection: Connection, rows: Sequence[tuple[UUID, UUID, UUID, UUID, datetime, datetime]]
) -> None:
    """(tenant, instance, key, run id, partition_at, created_at)"""
    columns = list(zip(*rows, strict=True))
    await connection.execute(
        """
        INSERT INTO run_keys (tenant_id, instance_id, key, run_id, partition_at, created_at)
        SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::uuid[], %s::timestamptz[], %s::timestamptz[])
        ON CONFLICT DO NOTHING
        """,
        [list(column) for column in columns],
    )


async def write_runs(connection: Connection, runs: Iterable[RunRow]) -> None:
    rows = list(runs)
    if not rows:
        return
    async with connection.cursor() as cursor:
        await cursor.executemany(
            """
            INSERT INTO runs AS r (tenant_id, partition_at, id, instance_id, job_id, endpoint_id, state, source,
                slot_at, started_at, finished_at, duration_ms, exit_code, commit_id, message,
                output_bytes, output_total_bytes, output_truncated)
            VALUES (%(tenant_id)s, %(partition_at)s, %(id)s, %(instance_id)s, %(job_id)s, %(endpoint_id)s, %(state)s,
                %(source)s, %(slot_at)s, %(started_at)s, %(finished_at)s, %(duration_ms)s, %(exit_code)s,
                %(commit_id)s, %(message)s, %(output_bytes)s, %(output_total_bytes)s, %(output_truncated)s)
            ON CONFLICT (tenant_id, partition_at, id) DO UPDATE SET
                -- A start that arrives after its own finish must not reopen the run.
                state = CASE WHEN excluded.state = 'running' THEN r.state ELSE excluded.state END,
                slot_at = coalesce(excluded.slot_at, r.slot_at),
                started_at = coalesce(r.started_at, excluded.started_at),
                finished_at = coalesce(excluded.finished_at, r.finished_at),
                duration_ms = coalesce(excluded.duration_ms, r.duration_ms),
                exit_code = coalesce(excluded.exit_code, r.exit_code),
                commit_id = coalesce(excluded.commit_id, r.commit_id),
                message = coalesce(excluded.message, r.message),
                output_bytes = coalesce(excluded.output_bytes, r.output_bytes),
                output_total_bytes = coalesce(excluded.output_total_bytes, r.output_total_bytes),
                output_truncated = r.output_truncated OR excluded.output_truncated
            """,
            [_run_parameters(run) for run in rows],
        )
        await cursor.executemany(
            """
            INSERT INTO run_outputs AS o (tenant_id, partition_at, run_id, content) VALUES (%s, %s, %s, %s)
            ON CONFLICT (tenant_id, partition_at, run_id) DO UPDATE SET content = excluded.content
            """,
            [
                (run.tenant_id, run.partition_at, run.id, zlib.compress(run.output.content))
                for run in rows
                if run.output is not None and run.output.content
            ],
        )


def _run_parameters(run: RunRow) -> dict[str, Any]:
    output = run.output
    parameters = {name: value for name, value in vars(run).items() if name != "output"}
    return parameters | {
        "output_bytes": len(output.content) if output else None,
        "output_total_bytes": output.total_bytes if output else None,
        "output_truncated": output.truncated if output else False,
    }


async def save_status(connection: Connection, lives: Iterable[Live]) -> None:
    rows = [_status_parameters(live, live.status) for live in lives if live.status is not None]
    async with connection.cursor() as cursor:
        await cursor.executemany(
            """
            UPDATE instance_status SET
                state = %(state)s, since = %(since)s, version = %(version)s, due_at = %(due_at)s,
                deadline_at = %(deadline_at)s, last_seen_at = %(last_seen_at)s, failures = %(failures)s,
                successes = %(successes)s, open_runs = %(open_runs)s::jsonb,
                last_run_id = coalesce(%(last_run_id)s, last_run_id),
                last_run_state = coalesce(%(last_run_state)s, last_run_state),
                last_run_started_at = CASE WHEN %(last_run_id)s::uuid IS NULL THEN last_run_started_at
                    ELSE %(last_run_started_at)s::timestamptz END,
                last_run_finished_at = CASE WHEN %(last_run_id)s::uuid IS NULL THEN last_run_finished_at
                    ELSE %(last_run_finished_at)s::timestamptz END,
                last_run_duration_ms = CASE WHEN %(last_run_id)s::uuid IS NULL THEN last_run_duration_ms
                    ELSE %(last_run_duration_ms)s::bigint END,
                last_run_exit_code = CASE WHEN %(last_run_id)s::uuid IS NULL THEN last_run_exit_code
                    ELSE %(last_run_exit_code)s::integer END
            WHERE tenant_id = %(tenant_id)s AND instance_id = %(instance_id)s
            """,
            rows,
        )


def _status_parameters(live: Live, status: Status) -> dict[str, Any]:
    last_run = {
        f"last_run_{name}": live.last_run.get(name)
        for name in ("id", "state", "started_at", "finished_at", "duration_ms", "exit_code")
    }
    open_runs = json.dumps(
        [
            {
                "run_id": str(run.run_id),
                "partition_at": run.partition_at.isoformat(),
                "started_at": run.started_at.isoformat(),
                "flagged": run.flagged,
            }
            for run in status.open_runs
        ]
    )
    identity = {"tenant_id": live.tenant_id, "instance_id": live.instance_id}
    return {**asdict(status), **last_run, **identity, "open_runs": open_runs}


async def add_changes(connection: Connection, changes: Iterable[tuple[Live, Change]], now: datetime) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(
            """
            INSERT INTO status_changes
                (tenant_id, instance_id, version, job_id, endpoint_id, from_state, to_state, reason, run_id, at,
                 recorded_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            """,
            [
                (
                    live.tenant_id,
                    live.instance_id,
                    change.version,
                    live.job_id,
                    live.endpoint_id,
                    change.from_state,
                    change.to_state,
                    change.reason,
                    change.run_id,
                    change.at,
                    now,
                )
                for live, change in changes
            ],
        )
