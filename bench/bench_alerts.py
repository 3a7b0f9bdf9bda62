"""Notifications: from a job's failure received to the message at the receiver.

Real PostgreSQL (fsync on), the API in this process, real worker processes with everything they do, many webhook
channels over some tenants, each with a route of its own, and a receiver in this process. Failures come in at a steady
rate, to each channel in turn. The baseline is the same number of signed requests to the same receiver at the same rate,
with nothing before them.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import uvloop
from backend.tests.http.serving import served
from backend.tests.platform import Person, Platform, running_platform

from bench.bench_scanner import workers
from bench.report import cpu_seconds, milliseconds, percentile, tell
from crontopus_api.alerts.routing import owners_id
from crontopus_api.kit import log
from crontopus_api.kit.http.asgi import Receive, Scope, Send
from crontopus_api.kit.outbound import Outbound
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings

Rows = dict[str, dict[str, float]]
HERE = "127.0.0.0/8"
JOB = """apiVersion: crontopus/v1
kind: Job
metadata: {{name: {team}-{number}, labels: {{team: {team}}}}}
spec: {{schedule: "0 2 * * *"}}
"""
ROUTE = """apiVersion: crontopus/v1
kind: AlertRoute
metadata: {{name: {team}}}
spec:
  match: {{matchLabels: {{team: {team}}}}}
  channels: [{team}]
"""


class Receiver:
    """Remembers when it was first told of each job of each tenant."""

    def __init__(self) -> None:
        self.at: dict[tuple[str, str], float] = {}
        self._awaited: set[tuple[str, str]] = set()
        self._complete = asyncio.Event()

    async def all_of(self, keys: set[tuple[str, str]]) -> None:
        """Return when it has been told of every one of them."""
        self._awaited = keys - self.at.keys()
        self._complete.clear()
        if self._awaited:
            try:
                await asyncio.wait_for(self._complete.wait(), 60)
            except TimeoutError:
                some = sorted(self._awaited)[:5]
                raise SystemExit(f"{len(self._awaited)} of {len(keys)} were never told of: {some}") from None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        now = time.time()
        for incident in msgspec.json.decode(body).get("incidents", ()):
            key = (scope["path"], incident["title"].split()[0])
            self.at.setdefault(key, now)
            if self._awaited:
                self._awaited.discard(key)
                if not self._awaited:
                    self._complete.set()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@dataclass(frozen=True)
class Team:
    """Whose jobs fail, and who hears of it. `report`: the address before the job's number; `path`: the receiver's."""

    name: str
    report: str
    path: str


async def teams(platform: Platform, number: int, port: int, options: argparse.Namespace) -> list[Team]:
    """Those of a tenant: each with its jobs, a channel, and the route from one to the other."""
    person: Person = await platform.register(f"bench-{number}")
    names = [f"team-{each}" for each in range(options.channels // options.tenants)]
    for name in names:
        await verified_channel(person, name, f"http://127.0.0.1:{port}/{number}/{name}", per_minute=1000)
    files = [
        {"path": f"default/{name}-{job}.yaml", "content": JOB.format(team=name, number=job)}
        for name in names
        for job in range(options.jobs)
    ]
    files += [
        {"path": f".crontopus/routes/{name}.yaml", "content": ROUTE.format(team=name)} for name in names
    ]
    await ok(person, "POST", "/jobs:apply", files=files)
    url = (await person.get("/ping-key"))["url"]
    return [Team(name, f"{url}/{name}", f"/{number}/{name}") for name in names]


async def verified_channel(person: Person, name: str, url: str, *, per_minute: int) -> None:
    """By default nobody else is told."""
    config = {"kind": "webhook", "url": url}
    made = await ok(
        person, "POST", "/channels", name=name, default=True, per_minute=per_minute, config=config
    )
    await ok(person, "POST", f"/channels/{made['id']}/test")
    await ok(person, "PATCH", f"/channels/{owners_id(person.tenant_id)}", default=False)


async def ok(person: Person, method: str, path: str, **body: Any) -> Any:
    answer = await person.api.request(method, f"/api/v1{path}", json=body or None)
    if not answer.is_success:
        raise SystemExit(f"{method} {path}: {answer.text}")
    return answer.json()


async def steadily(count: int, rate: float, work: Callable[[int], Awaitable[None]]) -> None:
    """Start `work` for each number at its time, however long the others take."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            group.create_task(work(number))  # type: ignore[arg-type]


async def failures(
    platform: Platform, receiver: Receiver, told: list[Team], pids: list[int], options: Any
) -> Rows:
    """Each job once, team by team in turn. `cpu_ms`: of the workers, for each failure, with all else they do."""
    sent: dict[tuple[str, str], float] = {}
    count = min(options.seconds * options.rate, len(told) * (options.jobs - 1))

    async def one(number: int) -> None:
        team, job = told[number % len(told)], number // len(told)
        sent[team.path, f"default/{team.name}-{job}"] = time.time()
        answer = await platform.ping(f"{team.report}-{job}/fail")
        if answer.status_code != 200:
            raise SystemExit(f"ping: {answer.status_code} {answer.text}")

    receiver.at.clear()
    before = sum(map(cpu_seconds, pids))
    await steadily(count, options.rate, one)
    await receiver.all_of(set(sent))
    spent = sum(map(cpu_seconds, pids)) - before
    seconds = [receiver.at[key] - at for key, at in sent.items()]
    return {
        f"{options.rate}/s over {len(told)} channels of {options.tenants} tenants": {
            **milliseconds(seconds),
            "max_ms": round(percentile(seconds, 1) * 1000),
            "messages": count,
            "cpu_ms": round(1000 * spent / count, 1),
        }
    }


async def baseline(port: int, rate: int, count: int) -> Rows:
    """A request as the channel makes it, on a connection of its own."""
    seconds: list[float] = []
    networks = Settings(outbound_allow=HERE).outbound_allow  # type: ignore[arg-type]
    async with Outbound(networks) as client:

        async def one(number: int) -> None:
            began = time.perf_counter()
            url = f"http://127.0.0.1:{port}/bare/{number}"
            await client.request("POST", url, headers={"content-type": "application/json"}, content=b"{}")
            seconds.append(time.perf_counter() - began)

        await steadily(count, rate, one)
    return {f"… bare requests at {rate}/s": milliseconds(seconds)}


async def measure(database_url: str, data: Path, options: argparse.Namespace) -> Rows:
    receiver = Receiver()
    environment = {
        "CRONTOPUS_DATABASE_URL": database_url,
        "CRONTOPUS_DATA_DIR": str(data),
        "CRONTOPUS_PUBLIC_URL": "http://crontopus.test",
        "CRONTOPUS_OUTBOUND_ALLOW": HERE,
    }
    limits = {"auth_limit": "off", "api_limit": "off", "login_limit": "off"}
    async with (
        served(receiver) as port,
        running_platform(database_url, data, outbound_allow=HERE, **limits) as platform,
    ):
        by_tenant = [await teams(platform, number, port, options) for number in range(options.tenants)]
        # One of each tenant, then the next of each.
        told = [team for each in zip(*by_tenant, strict=True) for team in each]
        async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
            # What was made by one commit a moment ago has that in common.
            await connection.execute("UPDATE jobs SET changed_at = changed_at - interval '2 days'")
        async with workers(options.workers, environment) as pids:
            # They take some seconds to start, and are at work when a first failure has come through.
            await platform.ping(f"{told[0].report}-{options.jobs - 1}/fail")
            await receiver.all_of({(told[0].path, f"default/{told[0].name}-{options.jobs - 1}")})
            rows = await failures(platform, receiver, told, pids, options)
        return rows | await baseline(port, options.rate, options.rate * 5)


def shortfalls(rows: Rows) -> list[str]:
    found = next(row for label, row in rows.items() if " over " in label)
    return [f"p99 {found['p99_ms']} ms > 3000"] if found["p99_ms"] > 3_000 else []


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run alerts", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when short")
    parser.add_argument("--channels", type=int, default=500, help="over all tenants")
    parser.add_argument("--tenants", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=5, help="of each channel; each fails once, but the last")
    parser.add_argument("--rate", type=int, default=50, help="failures a second")
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    log.configure("warning", "console")
    with tempfile.TemporaryDirectory(prefix="crontopus-bench-") as scratch:
        settings = Settings(data_dir=Path(scratch) / "data")
        with ensure_database(settings, owner=True) as url:
            migrate(url)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                rows = runner.run(measure(url, Path(scratch) / "data", options))
    tell("alerts", rows, shortfalls(rows))


if __name__ == "__main__":
    main()
