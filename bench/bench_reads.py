"""Reading: lists of runs over many millions of them, and a thousand jobs with their status in one request.

Everything as a client meets it: HTTP, a token, real PostgreSQL (fsync on), all of the API. The runs are spread over
a year, as monthly partitions; most succeed. Baselines are the same rows by SQL alone, from a client in C.
"""

import argparse
import asyncio
import http.client
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import psycopg
import uvloop
from backend.tests.platform import Person, Platform, running_platform
from psycopg.rows import dict_row

from bench.bench_git import Rows, served
from bench.report import milliseconds, tell
from crontopus_api.kit import log
from crontopus_api.kit.heap import freeze_startup
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings

JOBS = 1_000
RARE = 20
"""Jobs that run once a day only, in a namespace of their own."""
DAYS = 365

# Ids as UUIDv7 would be: in order of time.
_FILL = """
INSERT INTO runs (tenant_id, partition_at, id, instance_id, job_id, state, source, started_at, finished_at,
                  duration_ms, exit_code, output_truncated)
SELECT %(tenant)s, at,
       (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3) || '8'
           || substr(hash, 4, 15))::uuid,
       i.id, i.job_id, CASE WHEN number %% 97 = 0 THEN 'failure' ELSE 'success' END, 'ping', at,
       at + interval '3 s', 3000, 0, false
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS number
CROSS JOIN LATERAL (SELECT now() - (%(total)s - number) * (%(days)s * interval '1 day' / %(total)s) AS at,
                     md5(number::text) AS hash) AS made
JOIN unnest(%(instances)s::uuid[], %(jobs)s::uuid[]) WITH ORDINALITY AS i(id, job_id, place)
  ON i.place = number %% %(count)s + 1
"""
# What the last run left on the status row.
_SHOWN = """
UPDATE instance_status SET state = 'healthy', due_at = now() + interval '1 day',
    last_run_id = gen_random_uuid(), last_run_state = 'success',
    last_run_started_at = now(), last_run_finished_at = now(), last_run_duration_ms = 3000, last_run_exit_code = 0
"""
_INDICES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = 'runs'::regclass AND NOT indisprimary
"""
_JOBS_ALONE = """
SELECT j.id, j.namespace, j.name, j.mode, j.schedule, j.timezone, j.labels, s.state, s.due_at, s.last_run_id,
       s.last_run_state, s.last_run_started_at, s.last_run_finished_at, s.last_run_duration_ms
FROM jobs j JOIN instances i ON i.tenant_id = j.tenant_id AND i.job_id = j.id
JOIN instance_status s ON s.tenant_id = i.tenant_id AND s.instance_id = i.id
WHERE j.tenant_id = %(tenant)s ORDER BY j.namespace, j.name LIMIT 1000
"""
_RUNS_ALONE = """
SELECT * FROM runs WHERE tenant_id = %(tenant)s AND partition_at >= now() - interval '32 days'
ORDER BY partition_at DESC, id DESC LIMIT 50
"""


async def make_jobs(person: Person) -> None:
    files = []
    for number in range(JOBS):
        namespace = "rare" if number < RARE else f"ns-{number % 20}"
        text = (
            f"apiVersion: crontopus/v1\nkind: Job\nmetadata:\n  name: job-{number}\n"
            f"  labels: {{team: team-{number % 7}}}\nspec:\n  schedule: '{number % 60} * * * *'\n"
        )
        files.append({"path": f"{namespace}/job-{number}.yaml", "content": text, "if_match": None})
    answer = await person.api.post("/api/v1/jobs:apply", json={"files": files}, timeout=120)
    if answer.status_code != 200:
        raise SystemExit(f"the jobs were not made: {answer.text[:500]}")


def fill(url: str, person: Person, runs: int) -> float:
    """Seconds it took to put the runs in; rows of jobs that ran rarely are few."""
    began = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction():
            connection.execute("SET LOCAL ROLE crontopus_scanner")
            found = connection.execute(
                "SELECT i.id, i.job_id, j.namespace FROM instances i JOIN jobs j ON j.id = i.job_id"
            ).fetchall()
            connection.execute(_SHOWN)
        often = [row for row in found if row[2] != "rare"]
        rare = [row for row in found if row[2] == "rare"]
        # Made when all is there, they take a fifth of the time.
        indices = connection.execute(_INDICES).fetchall()
        for name, _ in indices:
            connection.execute(f"DROP INDEX {name}")
        for rows, total in ((often, runs), (rare, DAYS * len(rare))):
            for first in range(1, total + 1, 500_000):
                with connection.transaction():
                    connection.execute("SET LOCAL ROLE crontopus_ingest")
                    connection.execute("SET LOCAL synchronous_commit = off")
                    connection.execute(_FILL, _part(person, rows, first, total))
        connection.execute("SET maintenance_work_mem = '256MB'")
        for _, made_by in indices:
            connection.execute(made_by.replace(" ON ONLY ", " ON "))
        for table in ("runs", "instances", "instance_status", "jobs"):
            connection.execute(f"ANALYZE {table}")
    return time.perf_counter() - began


def _part(person: Person, rows: list[tuple[object, ...]], first: int, total: int) -> dict[str, object]:
    return {
        "tenant": person.tenant_id,
        "first": first,
        "last": min(first + 499_999, total),
        "total": total,
        "days": DAYS,
        "instances": [row[0] for row in rows],
        "jobs": [row[1] for row in rows],
        "count": len(rows),
    }


class Client:
    """One connection kept alive, as a console's."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: object) -> bytes:
        self._connection.request("GET", f"/api/v1{path}?{urlencode(query)}", headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body[:300]!r}")
        return body

    def timed(self, rounds: int, items: int, path: str, **query: object) -> dict[str, float]:
        if len(json.loads(self.get(path, **query))["items"]) != items:
            raise SystemExit(f"{path} {query}: not {items} items")
        return milliseconds(repeated(rounds, lambda: self.get(path, **query)))


def repeated(rounds: int, work: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return times


def alone(url: str, person: Person, statement: str, rounds: int) -> dict[str, float]:
    """The same by SQL and an encoder in C, with neither HTTP nor anybody to ask who it is."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.execute("SET ROLE crontopus_scanner")

        def once() -> None:
            msgspec.json.encode(connection.execute(statement, {"tenant": person.tenant_id}).fetchall())

        return milliseconds(repeated(rounds, once))


def deep_cursor(client: Client) -> str:
    """Half a year back."""
    page = json.loads(client.get("/runs", limit=1, until=_instant(DAYS // 2)))
    return str(page["next_cursor"])


def _instant(days: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86_400))


def reads(client: Client, url: str, person: Person, rounds: int) -> Rows:
    rows = {"GET /runs": client.timed(rounds, 50, "/runs")}
    rows["… by SQL alone"] = alone(url, person, _RUNS_ALONE, rounds)
    for label, query in {
        "GET /runs of one job": {"job": "ns-1/job-21"},
        "GET /runs of a namespace": {"namespace": "ns-3"},
        "GET /runs of a rare namespace": {"namespace": "rare"},
        "GET /runs of a label": {"label": "team=team-3"},
        "GET /runs that failed": {"state": "failure"},
        "GET /runs half a year deep": {"cursor": deep_cursor(client)},
        "GET /runs none at all": {"state": "lost"},
    }.items():
        items = 0 if label.endswith("at all") else 50
        rows[label] = client.timed(rounds, items, "/runs", **query)
    run = json.loads(client.get("/runs", limit=1, until=_instant(300)))["items"][0]["id"]
    rows["GET /runs/{id}"] = milliseconds(repeated(rounds, lambda: client.get(f"/runs/{run}")))
    rows[f"GET /jobs, {JOBS} of them"] = client.timed(max(20, rounds // 5), JOBS, "/jobs", limit=JOBS)
    rows["… by SQL alone "] = alone(url, person, _JOBS_ALONE, max(20, rounds // 5))
    return rows


async def measure(database_url: str, scratch: Path, options: argparse.Namespace) -> Rows:
    async with (
        running_platform(database_url, scratch / "data", api_limit="off") as platform,
        served(platform) as port,
    ):
        freeze_startup()  # as the API does
        person = await platform.register("bench")
        await make_jobs(person)
        await make_year(platform, person)
        seconds = await asyncio.to_thread(fill, database_url, person, options.runs)
        client = Client(port, person.token)
        rows = await asyncio.to_thread(reads, client, database_url, person, options.rounds)
        return {f"making {options.runs} runs": {"seconds": round(seconds, 1)}} | rows


async def make_year(platform: Platform, person: Person) -> None:
    """The partitions that a year of running would have left: of the months in which a run waits for its own."""
    async with await platform.services.database.connect_direct() as connection, connection.transaction():
        await connection.execute("SET LOCAL ROLE crontopus_ingest")
        await connection.execute(
            "INSERT INTO runs (tenant_id, partition_at, id, instance_id, job_id, state, source, output_truncated)"
            " SELECT %s, now() - each * interval '30 days', i.id, i.id, i.job_id, 'success', 'ping', false"
            " FROM generate_series(0, 12) AS each, (SELECT id, job_id FROM instances LIMIT 1) AS i",
            (person.tenant_id,),
        )
    await platform.services.partitions.round()


def shortfalls(rows: Rows) -> list[str]:
    limits = {("GET /runs", "p99_ms"): 50, (f"GET /jobs, {JOBS} of them", "p50_ms"): 60}
    return [
        f"{row} {column} {rows[row][column]} > {limit}"
        for (row, column), limit in limits.items()
        if rows[row][column] > limit
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run reads", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when short")
    parser.add_argument("--runs", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=300, help="requests of each kind")
    options = parser.parse_args()
    log.configure("warning", "console")
    with (
        tempfile.TemporaryDirectory(prefix="crontopus-bench-") as scratch,
        ensure_database(Settings(data_dir=Path(scratch) / "data"), owner=True) as url,
    ):
        migrate(url)
        # The loop that the API runs on.
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            rows = runner.run(measure(url, Path(scratch), options))
    tell("reads", rows, shortfalls(rows))


if __name__ == "__main__":
    main()
