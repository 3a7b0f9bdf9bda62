"""Check-ins over HTTP, beside what the database and the HTTP server do alone on this machine.

`wrk` POSTs 1 KB to the ping addresses of random jobs at a real `crontopus-server ingest`, with an API and a worker
beside it. The baselines are taken in turn: `pgbench` commits one insert and one update per transaction on the same
PostgreSQL (fsync and synchronous_commit on), and `wrk` asks the same HTTP server for nothing. Each figure is the
median of the rounds; everything shares this machine's processors.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench.load import Load, pgbench, wrk
from bench.report import tell
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings

JOBS = 1000
Rows = dict[str, dict[str, float]]

_WRK_SCRIPT = """\
local paths = {}
for line in io.lines("%(paths)s") do paths[#paths + 1] = line end
local body = string.rep("2026-11-22T02:00:00Z backup: 4711 files copied, none left behind, all is well\\n", 13)
math.randomseed(%(seed)d)
wrk.method = "POST"
wrk.body = string.sub(body, 1, 1024)
request = function() return wrk.format(nil, paths[math.random(#paths)]) end
"""
_PGBENCH_SCHEMA = """
CREATE SCHEMA bench;
CREATE TABLE bench.state (id int PRIMARY KEY, seen timestamptz, n bigint) WITH (fillfactor = 50);
CREATE TABLE bench.events (id bigserial PRIMARY KEY, state_id int, at timestamptz, body text);
INSERT INTO bench.state SELECT g, now(), 0 FROM generate_series(1, 1000) g;
"""
_PGBENCH_SCRIPT = """\
\\set id random(1, 1000)
BEGIN;
INSERT INTO bench.events (state_id, at, body) VALUES (:id, now(), 'a line of what was printed');
UPDATE bench.state SET seen = now(), n = n + 1 WHERE id = :id;
COMMIT;
"""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


@contextmanager
def process(*command: object, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen([str(word) for word in command], env=env)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(30)


def until_answers(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(url).status_code < 500:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise SystemExit(f"{url} does not answer")


def make_jobs(base: str, jobs: int) -> list[str]:
    """The paths of as many ping-mode jobs' ping addresses."""
    with httpx.Client(base_url=f"{base}/api/v1", timeout=300) as client:
        body = {
            "username": "bench",
            "email": "b@example.org",
            "password": "correct horse battery",
            "mode": "token",
        }
        client.headers["Authorization"] = f"Bearer {_ok(client.post('/auth/register', json=body))['token']}"
        manifest = "apiVersion: crontopus/v1\nkind: Job\nmetadata:\n  name: {}\nspec:\n  schedule: {!r}\n"
        files = [
            {
                "path": f"default/job-{n}.yaml",
                "content": manifest.format(f"job-{n}", f"{n % 60} {n % 24} * * *"),
            }
            for n in range(jobs)
        ]
        for start in range(0, jobs, 500):
            _ok(client.post("/jobs:apply", json={"files": files[start : start + 500], "message": "Bench"}))
        urls = [_ok(client.get(f"/jobs/default/job-{n}"))["ping_url"] for n in range(jobs)]
    return [httpx.URL(url).path for url in urls]


def _ok(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise SystemExit(f"{answer.request.url}: {answer.status_code} {answer.text[:500]}")
    return answer.json()


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def median(loads: list[Load]) -> dict[str, float]:
    return {
        "per_second": round(statistics.median(load.per_second for load in loads)),
        "p99_ms": round(statistics.median(load.p99_ms for load in loads), 2),
        "errors": sum(load.errors for load in loads),
    }


class Bench:
    def __init__(self, scratch: Path, database_url: str, options: argparse.Namespace) -> None:
        self._scratch, self._database_url, self._options = scratch, database_url, options
        self._pgbench = scratch / "pgbench.sql"
        self._pgbench.write_text(_PGBENCH_SCRIPT, encoding="utf-8")
        self._script = scratch / "load.lua"

    def run(self) -> Rows:
        with psycopg.connect(self._database_url, autocommit=True) as connection:
            connection.execute(_PGBENCH_SCHEMA)
        port, api_port, idle_port = free_port(), free_port(), free_port()
        env = {
            **os.environ,
            "CRONTOPUS_DATA_DIR": str(self._scratch / "data"),
            "CRONTOPUS_DATABASE_URL": self._database_url,
            "CRONTOPUS_PORT": str(port),
            "CRONTOPUS_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "CRONTOPUS_LOG_LEVEL": "warning",
            "CRONTOPUS_CHECK_IN_LIMIT": "1000000",  # counted as ever, and never reached
            "CRONTOPUS_API_LIMIT": "off",
        }
        server = (sys.executable, "-m", "crontopus_api.server")
        with (
            process(*server, "ingest", env=env) as serving,
            process(*server, "api", env={**env, "CRONTOPUS_PORT": str(api_port)}),
            process(*server, "worker", env=env),
            process(sys.executable, "-m", "bench.noop", "--port", idle_port, env=env),
        ):
            self._base, self._noop = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{idle_port}"
            api = f"http://127.0.0.1:{api_port}"
            for address in (self._base, api, self._noop):
                until_answers(f"{address}/healthz")
            paths = self._scratch / "paths"
            paths.write_text("\n".join(make_jobs(api, self._options.jobs)), encoding="utf-8")
            script = _WRK_SCRIPT % {"paths": paths, "seed": self._options.seed}
            self._script.write_text(script, encoding="utf-8")
            self._ours(64, seconds=5)  # every job has been heard of, the server is warm
            rows = self._rounds()
            if self._options.minutes:
                rows |= self._long_run(serving.pid)
            rows["memory"] = {"rss_mb": round(resident_mb(serving.pid), 1)}
            return rows

    def _ours(self, connections: int, *, close: bool = False, seconds: int | None = None) -> Load:
        seconds = seconds or self._options.seconds
        return wrk(self._base, self._script, connections=connections, seconds=seconds, close=close)

    def _rounds(self) -> Rows:
        seconds = self._options.seconds
        kinds = {
            "pgbench, 16 clients": lambda: pgbench(
                self._database_url, self._pgbench, self._scratch, clients=16, seconds=seconds
            ),
            "no-op route, 16 connections": lambda: wrk(
                self._noop, self._script, connections=16, seconds=seconds
            ),
            "check-ins, 16 connections": lambda: self._ours(16),
            "check-ins, 64 connections": lambda: self._ours(64),
            "check-ins, a connection each": lambda: self._ours(16, close=True),
        }
        found: dict[str, list[Load]] = {label: [] for label in kinds}
        for _ in range(self._options.rounds):
            for label, measure in kinds.items():
                found[label].append(measure())
        return {label: median(loads) for label, loads in found.items()}

    def _long_run(self, pid: int) -> Rows:
        """The same load for minutes: what grows, slows down."""
        rates = [self._ours(16, seconds=60) for _ in range(self._options.minutes)]
        return {
            "first minute": {"per_second": round(rates[0].per_second), "errors": rates[0].errors},
            "last minute": {
                "per_second": round(rates[-1].per_second),
                "ratio": round(rates[-1].per_second / rates[0].per_second, 2),
                "errors": sum(rate.errors for rate in rates),
                "rss_mb": round(resident_mb(pid), 1),
            },
        }


def shortfalls(rows: Rows) -> list[str]:
    database, nothing = rows["pgbench, 16 clients"], rows["no-op route, 16 connections"]
    found = []

    def at_least(label: str, share: float, base: dict[str, float], name: str) -> None:
        ratio = rows[label]["per_second"] / base["per_second"]
        rows[label][f"x {name}"] = round(ratio, 2)
        if ratio < share:
            found.append(f"{label} {ratio:.2f} x {name} < {share}")

    for connections, limit in ((16, 20), (64, 50)):
        label = f"check-ins, {connections} connections"
        at_least(label, 0.6, database, "pgbench")
        at_least(label, 0.25, nothing, "no-op")
        allowed = max(limit, 3 * database["p99_ms"])
        if rows[label]["p99_ms"] > allowed:
            found.append(f"{label} p99 {rows[label]['p99_ms']} ms > {allowed}")
    at_least("check-ins, a connection each", 0.45, database, "pgbench")
    found += [f"{label}: {row['errors']:.0f} errors" for label, row in rows.items() if row.get("errors")]
    if "last minute" in rows and rows["last minute"]["ratio"] < 0.8:
        found.append(f"last minute {rows['last minute']['ratio']} x the first < 0.8")
    if rows["memory"]["rss_mb"] > 120:
        found.append(f"resident {rows['memory']['rss_mb']} MB > 120")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run checkins", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when short")
    parser.add_argument("--jobs", type=int, default=JOBS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
    parser.add_argument("--minutes", type=int, default=10, help="of the long run; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for tool in ("wrk", "pgbench"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is not installed")
    with tempfile.TemporaryDirectory(prefix="crontopus-bench-") as scratch:
        settings = Settings(data_dir=Path(scratch) / "data")
        with ensure_database(settings, owner=True) as url:
            migrate(url)
            rows = Bench(Path(scratch), url, options).run()
    tell("checkins", rows, shortfalls(rows))


if __name__ == "__main__":
    main()
