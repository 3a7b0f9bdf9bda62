"""A storm: thousands of jobs of one tenant fail within a minute, with nothing in common.

Real PostgreSQL (fsync on), the API in this process, real worker processes, a webhook channel that takes few messages
a minute, and a receiver in this process. What counts: every failure has its incident, the channel got no more than its
limit, and in the end each failure was told of, most in digests. There is no baseline: nothing here is judged by time.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import msgspec
import psycopg
import uvloop
from backend.tests.http.serving import served
from backend.tests.platform import Platform, running_platform

from bench.bench_alerts import HERE, Rows, steadily, verified_channel
from bench.bench_scanner import make_overdue_at_once, until, workers
from bench.report import tell
from crontopus_api.kit import log
from crontopus_api.kit.http.asgi import Receive, Scope, Send
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings

MINUTE = 60.0


class Receiver:
    """Remembers when it was told, and of which jobs."""

    def __init__(self) -> None:
        self.at: list[float] = []
        self.titles: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.at.append(time.time())
        self.titles += [each["title"] for each in msgspec.json.decode(body).get("incidents", ())]
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def most_in_a_minute(self) -> int:
        return max(sum(start <= at < start + MINUTE for at in self.at) for start in self.at)


async def storm(platform: Platform, url: str, count: int) -> float:
    """Seconds that the failures took to be sent."""
    began = time.perf_counter()

    async def one(number: int) -> None:
        answer = await platform.ping(f"{url}/job-{number + 1}/fail")
        if answer.status_code != 200:
            raise SystemExit(f"ping: {answer.status_code} {answer.text}")

    await steadily(count, count / MINUTE, one)
    return time.perf_counter() - began


async def measure(database_url: str, data: Path, options: argparse.Namespace) -> Rows:
    receiver = Receiver()
    environment = {
        "CRONTOPUS_DATABASE_URL": database_url,
        "CRONTOPUS_DATA_DIR": str(data),
        "CRONTOPUS_PUBLIC_URL": "http://crontopus.test",
        "CRONTOPUS_OUTBOUND_ALLOW": HERE,
    }
    async with (
        served(receiver) as port,
        running_platform(
            database_url, data, outbound_allow=HERE, api_limit="off", check_in_limit=0
        ) as platform,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection,
    ):
        person = await platform.register("bench")
        await person.put_job("default/template", schedule="0 2 * * *")
        await verified_channel(person, "hook", f"http://127.0.0.1:{port}/", per_minute=options.per_minute)
        await make_overdue_at_once(connection, options.failures)
        # What was made by one commit a moment ago has that in common.
        await connection.execute("UPDATE jobs SET changed_at = changed_at - interval '2 days'")
        # Their runs are waited for: what comes at another time is told of as too often besides.
        await connection.execute("UPDATE instance_status SET due_at = now()")
        url: str = (await person.get("/ping-key"))["url"]
        receiver.at.clear()
        async with workers(options.workers, environment):
            await asyncio.sleep(10)  # they take some seconds to start
            sent = await storm(platform, url, options.failures)
            ended = time.perf_counter()
            await until(connection, "SELECT count(*) FROM incidents", options.failures, 300)
            recorded = time.perf_counter() - ended
            told = "SELECT count(*) FROM deliveries WHERE state = 'sent'"
            await until(connection, told, options.failures, 600)
            return {
                f"{options.failures} failures in {sent:.0f} s": {
                    "incidents_s": round(recorded, 1),
                    "told_s": round(time.perf_counter() - ended, 1),
                    "messages": len(receiver.at),
                    "in_a_minute": receiver.most_in_a_minute(),
                    "told": len(set(receiver.titles)),
                }
            }


def shortfalls(rows: Rows, options: argparse.Namespace) -> list[str]:
    [(label, found)] = rows.items()
    short = []
    if found["in_a_minute"] > options.per_minute:
        short.append(f"{label}: {found['in_a_minute']} messages in a minute > {options.per_minute}")
    if found["told"] != options.failures:
        short.append(f"{label}: told of {found['told']} of {options.failures}")
    return short


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run storm", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when short")
    parser.add_argument("--failures", type=int, default=5_000)
    parser.add_argument("--per-minute", type=int, default=10, help="messages that the channel takes")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    log.configure("warning", "console")
    with tempfile.TemporaryDirectory(prefix="crontopus-bench-") as scratch:
        settings = Settings(data_dir=Path(scratch) / "data")
        with ensure_database(settings, owner=True) as url:
            migrate(url)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                rows = runner.run(measure(url, Path(scratch) / "data", options))
    tell("storm", rows, shortfalls(rows, options))


if __name__ == "__main__":
    main()
