"""Deadlines: how soon they are seen, and what many at once take.

Real PostgreSQL (fsync on), two real worker processes with everything they do, a mail server on this machine. Many
instances become overdue at one moment; beside a million idle ones a scan is timed; then deadlines pass here and
there. The baseline is what PostgreSQL alone takes to update as many rows and insert as many changes.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session
from backend.tests.platform import Person, running_platform

from bench.report import milliseconds, percentile, tell
from crontopus_api.checkins.scanner import scan_once
from crontopus_api.kit import log
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings

Connection = psycopg.AsyncConnection[Any]
Rows = dict[str, dict[str, float]]
# A million instances of one job, or as many jobs as instances.
COPY_JOBS = """
    INSERT INTO jobs SELECT (j).* FROM (
        SELECT jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'name', 'job-' || n,
            'path', 'default/job-' || n || '.yaml')) AS j
        FROM jobs t, generate_series(1, %s) n WHERE t.name = 'template'
    ) made
"""
COPY_INSTANCES = """
    WITH template AS (SELECT i.* FROM instances i JOIN jobs j ON j.id = i.job_id WHERE j.name = 'template' LIMIT 1),
    made AS (
        INSERT INTO instances (tenant_id, id, job_id, endpoint_id, expectation, created_at)
        SELECT t.tenant_id, gen_random_uuid(), w.job_id, NULL, t.expectation, t.created_at
        FROM template t, ({which}) AS w(job_id) RETURNING tenant_id, id
    )
    INSERT INTO instance_status (tenant_id, instance_id, state, since, version, due_at, deadline_at, last_seen_at,
        failures, successes, open_runs)
    SELECT tenant_id, id, 'healthy', now(), 1, {deadline} - interval '5 minutes', {deadline}, now() - interval '1 day',
        0, 1, '[]' FROM made
"""
NEVER = "now() + interval '30 days'"


class Mailbox:
    """Takes every message and remembers when."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.first = asyncio.Event()

    async def handle_DATA(self, _: SMTP, __: Session, ___: Envelope) -> str:
        self.at.append(time.time())
        self.first.set()
        return "250 OK"


@asynccontextmanager
async def workers(count: int, settings: dict[str, str]) -> AsyncIterator[list[int]]:
    """Their process ids."""
    environment = {**os.environ, **settings, "CRONTOPUS_LOG_LEVEL": "error"}
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "crontopus_api.server", "worker", env=environment
        )
        for _ in range(count)
    ]
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in processes))


async def value(connection: Connection, query: str, *parameters: object) -> Any:
    row = await (await connection.execute(query, parameters)).fetchone()  # type: ignore[arg-type]
    return None if row is None else row[0]


async def until(connection: Connection, query: str, wanted: int, seconds: float) -> None:
    """Return when the query answers that many."""
    async with asyncio.timeout(seconds):
        while await value(connection, query) < wanted:
            await connection.execute("SELECT pg_sleep(0.05)")


async def make_overdue_at_once(connection: Connection, count: int) -> None:
    await connection.execute(COPY_JOBS, (count,))
    which = "SELECT id FROM jobs WHERE name LIKE 'job-%'"
    await connection.execute(COPY_INSTANCES.format(which=which, deadline=NEVER))
    await connection.execute("VACUUM ANALYZE")


async def flip(connection: Connection, mailbox: Mailbox, count: int) -> Rows:
    """Everything becomes overdue at one moment, a little from now."""
    deadline = await value(
        connection,
        "WITH moved AS (UPDATE instance_status SET due_at = now() - interval '290 seconds',"
        " deadline_at = now() + interval '10 seconds' WHERE state = 'healthy' RETURNING deadline_at)"
        " SELECT extract(epoch FROM max(deadline_at))::float8 FROM moved",
    )
    await connection.execute("VACUUM ANALYZE instance_status")
    await until(connection, "SELECT count(*) FROM instance_status WHERE state = 'missed'", count, 300)
    flipped = await value(connection, "SELECT extract(epoch FROM clock_timestamp())::float8") - deadline
    await until(connection, "SELECT count(instance_id) FROM incidents", count, 300)
    opened = await value(connection, "SELECT extract(epoch FROM clock_timestamp())::float8") - deadline
    twice = await value(connection, "SELECT count(instance_id) - count(DISTINCT instance_id) FROM incidents")
    await asyncio.wait_for(mailbox.first.wait(), 60)
    return {
        f"{count} overdue at once": {
            "flipped_s": round(flipped, 2),
            "incidents_s": round(opened, 2),
            "first_mail_s": round(min(mailbox.at) - deadline, 2),
            "twice": float(twice),
        }
    }


async def baseline(connection: Connection, count: int) -> Rows:
    """The same rows, by one statement and with nothing concluded."""
    await connection.execute("CREATE TABLE bare AS SELECT * FROM instance_status LIMIT %s", (count,))
    await connection.execute("CREATE TABLE bare_changes (LIKE status_changes)")
    began = time.perf_counter()
    await connection.execute(
        "WITH moved AS (UPDATE bare SET state = 'missed' RETURNING *)"
        " INSERT INTO bare_changes (tenant_id, instance_id, version, job_id, from_state, to_state, reason, at,"
        " recorded_at)"
        " SELECT tenant_id, instance_id, version, instance_id, 'healthy', state, '', now(), now() FROM moved"
    )
    return {f"… bare update and insert of {count}": {"flipped_s": round(time.perf_counter() - began, 2)}}


async def idle(connection: Connection, database_url: str, count: int, scans: int) -> Rows:
    which = "SELECT id FROM jobs WHERE name = 'template'"
    made = 0
    while made < count:
        step = min(100_000, count - made)
        series = f"SELECT w.id FROM ({which}) w, generate_series(1, {step})"
        await connection.execute(COPY_INSTANCES.format(which=series, deadline=NEVER))
        made += step
    await connection.execute("VACUUM ANALYZE instance_status")
    times = []
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as scanner:
        for _ in range(scans):
            began = time.perf_counter()
            await scan_once(scanner)
            times.append(time.perf_counter() - began)
    return {f"one scan beside {count} idle": milliseconds(times)}


async def detection(connection: Connection, count: int) -> Rows:
    """Deadlines here and there over 20 seconds, two workers at work; they are given 12 seconds to start."""
    await connection.execute("DELETE FROM status_changes")
    spread = random.Random(7)
    rows = await (
        await connection.execute(
            "SELECT instance_id FROM instance_status WHERE state = 'healthy' LIMIT %s", (count,)
        )
    ).fetchall()
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "UPDATE instance_status SET deadline_at = now() + %s * interval '1 second',"
            " due_at = now() + %s * interval '1 second' - interval '5 minutes' WHERE instance_id = %s",
            [(after, after, row[0]) for row in rows for after in [12 + 20 * spread.random()]],
        )
    await connection.execute(
        "CREATE TEMP TABLE promised AS SELECT instance_id, deadline_at FROM instance_status"
        " WHERE deadline_at < now() + interval '1 minute'"
    )
    await until(connection, "SELECT count(*) FROM status_changes", len(rows), 60)
    late = await connection.execute(
        "SELECT extract(epoch FROM c.recorded_at - p.deadline_at)::float8"
        " FROM promised p JOIN status_changes c USING (instance_id)"
    )
    seconds = [row[0] for row in await late.fetchall()]
    return {
        f"{count} deadlines here and there": {
            **milliseconds(seconds),
            "max_ms": round(percentile(seconds, 1) * 1000),
        }
    }


async def measure(database_url: str, data: Path, options: argparse.Namespace) -> Rows:
    mailbox = Mailbox()
    mail = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox), "127.0.0.1", 0)
    environment = {
        "CRONTOPUS_DATABASE_URL": database_url,
        "CRONTOPUS_DATA_DIR": str(data),
        "CRONTOPUS_SMTP_URL": f"smtp://127.0.0.1:{mail.sockets[0].getsockname()[1]}",
        "CRONTOPUS_PUBLIC_URL": "http://crontopus.test",
    }
    async with (
        running_platform(database_url, data) as platform,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection,
    ):
        person: Person = await platform.register("bench")
        await person.put_job("default/template", schedule="0 * * * *")
        await make_overdue_at_once(connection, options.overdue)
        rows = await baseline(connection, options.overdue)
        async with workers(2, environment):
            rows = await flip(connection, mailbox, options.overdue) | rows
        rows |= await idle(connection, database_url, options.idle, options.scans)
        async with workers(2, environment):
            rows |= await detection(connection, options.deadlines)
    mail.close()
    return rows


def shortfalls(rows: Rows, options: argparse.Namespace) -> list[str]:
    limits = {
        (f"{options.overdue} overdue at once", "flipped_s"): 2.0,
        (f"{options.overdue} overdue at once", "incidents_s"): 2.0,
        (f"{options.overdue} overdue at once", "first_mail_s"): 1.0,
        (f"{options.overdue} overdue at once", "twice"): 0.0,
        (f"one scan beside {options.idle} idle", "p99_ms"): 20.0,
        (f"{options.deadlines} deadlines here and there", "p99_ms"): 1500.0,
    }
    return [
        f"{row} {column} {rows[row][column]} > {limit}"
        for (row, column), limit in limits.items()
        if rows[row][column] > limit
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run scanner", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when short")
    parser.add_argument("--overdue", type=int, default=10_000, help="instances at once")
    parser.add_argument("--idle", type=int, default=1_000_000, help="instances with nothing due")
    parser.add_argument("--scans", type=int, default=200)
    parser.add_argument("--deadlines", type=int, default=400, help="here and there")
    options = parser.parse_args()
    log.configure("warning", "console")
    with tempfile.TemporaryDirectory(prefix="crontopus-bench-") as scratch:
        settings = Settings(data_dir=Path(scratch) / "data")
        with ensure_database(settings, owner=True) as url:
            migrate(url)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                rows = runner.run(measure(url, Path(scratch) / "data", options))
    tell("scanner", rows, shortfalls(rows, options))


if __name__ == "__main__":
    main()
