"""Metrics: one scrape of a tenant's jobs, and one of the installation beside them.

Real PostgreSQL (fsync on) and all of the API over HTTP. The baseline is the same rows by SQL alone.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
import uvloop
from backend.tests.platform import running_platform

from bench.bench_git import listener, served
from bench.bench_scanner import Rows, make_overdue_at_once
from bench.report import milliseconds, tell
from crontopus_api.kit import log
from crontopus_api.kit.heap import freeze_startup
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings

TOKEN = "7c1d0b5e4f2a98637c1d0b5e"
_ALONE = """
SELECT j.namespace, j.name, s.state, s.last_run_finished_at, s.last_run_duration_ms, s.failures, s.due_at
FROM instances i JOIN jobs j ON j.tenant_id = i.tenant_id AND j.id = i.job_id
JOIN instance_status s ON s.tenant_id = i.tenant_id AND s.instance_id = i.id
"""


async def timed(times: int, work: Callable[[], Awaitable[Any]]) -> dict[str, float]:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - began)
    return milliseconds(seconds)


async def measure(database_url: str, data: Path, options: argparse.Namespace) -> Rows:
    bound = listener()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    count = options.instances
    async with (
        running_platform(
            database_url, data, public_url=url, metrics_token=TOKEN, api_limit="off"
        ) as platform,
        served(platform, bound),
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection,
    ):
        person = await platform.register("bench")
        url_of_job = (await person.put_job("default/template", schedule="0 * * * *"))["ping_url"]
        await platform.ping(url_of_job)
        await make_overdue_at_once(connection, count)
        await connection.execute(
            "UPDATE instance_status SET last_run_finished_at = now(), last_run_duration_ms = 3"
        )
        freeze_startup()

        async def alone() -> None:
            await (await connection.execute(_ALONE)).fetchall()

        async def scrape(path: str, expected: str, least: int, **headers: str) -> None:
            answer = await person.api.get(path, headers=headers)
            if answer.status_code != 200 or answer.text.count(expected) < least:
                raise SystemExit(f"GET {path}: {answer.status_code}, {len(answer.text)} characters")

        tenants = "/api/v1/metrics/prometheus"
        return {
            f"scrape of {count} instances": await timed(
                options.times, lambda: scrape(tenants, "\ncrontopus_job_up{", count)
            ),
            "scrape of the installation": await timed(
                options.times,
                lambda: scrape("/metrics", "\ncrontopus_", 1, Authorization=f"Bearer {TOKEN}"),
            ),
            f"… {count} rows by SQL alone": await timed(options.times, alone),
        }


def shortfalls(rows: Rows) -> list[str]:
    label = next(label for label in rows if label.startswith("scrape of") and label.endswith("instances"))
    found = rows[label]["p99_ms"]
    return [f"{label}: p99 {found} ms > 300"] if found > 300 else []


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run scrape", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when short")
    parser.add_argument("--instances", type=int, default=10_000, help="of one tenant")
    parser.add_argument("--times", type=int, default=30, help="each")
    options = parser.parse_args()
    log.configure("warning", "console")
    with tempfile.TemporaryDirectory(prefix="crontopus-bench-") as scratch:
        settings = Settings(data_dir=Path(scratch) / "data")
        with ensure_database(settings, owner=True) as url:
            migrate(url)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                rows = runner.run(measure(url, Path(scratch) / "data", options))
    tell("scrape", rows, shortfalls(rows))


if __name__ == "__main__":
    main()
