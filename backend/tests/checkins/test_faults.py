"""kill -9 of anything, at any time, under load: what was acknowledged is in the database, exactly once.

Real processes: PostgreSQL with fsync, `crontopus-server api` and `worker`. Every ping carries a number in its
body, and is sent once; what was answered with 200 is looked for in what the runs printed. 1,200 messages by
default; `make soak` sends 20 times as many.
"""

import asyncio
import os
import signal
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psycopg

from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import EmbeddedPostgres, using

from ..fuzz.budget import MULTIPLIER
from ..server.processes import environment_for, eventually, free_port, scratch

MESSAGES = 1_200 * MULTIPLIER
BETWEEN_FAULTS = 150
SENDERS = 8
JOBS = 20
RECOVERY_SECONDS = 60


class Installation:
    """PostgreSQL, an API and a worker that may be killed, and are started again."""

    def __init__(self, directory: Path, database: EmbeddedPostgres) -> None:
        self._database = database
        self.port = free_port()
        self.data = directory / "data"
        self.database_url = database.url
        self._log = (directory / "log").open("ab")
        self._env = environment_for(
            self.data,
            self.port,
            CRONTOPUS_DATABASE_URL=database.url,
            CRONTOPUS_PUBLIC_URL=f"http://127.0.0.1:{self.port}",
        )
        self.api = self._start("api")
        self.worker = self._start("worker")

    def _start(self, name: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "crontopus_api.server", name]
        return subprocess.Popen(command, env=self._env, stdout=self._log, stderr=self._log)

    def kill_api(self) -> None:
        self.api.kill()
        self.api.wait()
        self.api = self._start("api")

    def kill_worker(self) -> None:
        self.worker.kill()
        self.worker.wait()
        self.worker = self._start("worker")

    def kill_postgres(self) -> None:
        self._again(signal.SIGKILL)

    def restart_postgres(self) -> None:
        """Stopped in good order, sessions cut off."""
        self._again(signal.SIGINT)

    def _again(self, number: signal.Signals) -> None:
        pid = self._database.pid
        assert pid is not None
        os.kill(pid, number)
        eventually(lambda: not self._database.running, "PostgreSQL is gone")
        self._database.start()

    def stop(self) -> None:
        for process in (self.api, self.worker):
            process.terminate()
            process.wait(30)
        self._log.close()

    async def answers(self) -> None:
        """Returns when it can be used."""
        what = "the installation is ready"
        await asyncio.to_thread(eventually, self._ready, what, seconds=RECOVERY_SECONDS)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def journaled(self) -> bool:
        """Whether anything still waits on the disk."""
        return any(path.stat().st_size for path in self.data.glob("journal/*"))


@asynccontextmanager
async def installed() -> AsyncIterator[tuple[Installation, httpx.AsyncClient]]:
    with scratch() as directory, using(EmbeddedPostgres(directory / "postgres")) as url:
        migrate(url)
        installation = Installation(directory, EmbeddedPostgres(directory / "postgres"))
        try:
            base = f"http://127.0.0.1:{installation.port}"
            async with httpx.AsyncClient(base_url=base, timeout=30) as client:
                await installation.answers()
                yield installation, client
        finally:
            installation.stop()
            sys.stdout.write((directory / "log").read_text(errors="replace")[-20_000:])


async def ping_urls(client: httpx.AsyncClient) -> list[str]:
    body = {
        "username": "ada",
        "email": "ada@example.org",
        "password": "correct horse battery",
        "mode": "token",
    }
    answer = await client.post("/api/v1/auth/register", json=body)
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    urls = []
    for number in range(JOBS):
        job = {"spec": {"schedule": "every 1h"}}
        answer = await client.put(f"/api/v1/jobs/default/job-{number}", json=job, headers=headers)
        urls.append(httpx.URL(answer.json()["ping_url"]).path)
    return urls


class Load:
    """Numbered pings from several senders at once. `acknowledged`: what was answered with 200.

    Starts carry no number: their end does, which is the same run's.
    """

    def __init__(self, installation: Installation, client: httpx.AsyncClient, urls: list[str]) -> None:
        self._installation, self._client, self._urls = installation, client, urls
        self._tried = 0
        self.acknowledged: set[int] = set()
        self._progress = asyncio.Condition()

    async def send(self) -> None:
        while len(self.acknowledged) < MESSAGES:
            self._tried += 1
            number = self._tried
            action = ("", "/start", "/fail", "/3")[number % 4]
            url = self._urls[number % JOBS] + action
            try:
                answer = await self._client.post(url, content="" if action == "/start" else str(number))
            except httpx.TransportError:
                await self._installation.answers()
                continue
            if answer.status_code == 200 and action != "/start":
                self.acknowledged.add(number)
                async with self._progress:
                    self._progress.notify_all()

    async def until(self, count: int) -> None:
        async with self._progress:
            await self._progress.wait_for(lambda: len(self.acknowledged) >= min(count, MESSAGES))


def stored(database_url: str) -> Counter[int]:
    """How often each number is in what the runs printed."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT content FROM run_outputs").fetchall()
    return Counter(int(zlib.decompress(row[0])) for row in rows)


async def test_what_was_acknowledged_is_there_exactly_once() -> None:
    async with installed() as (installation, client):
        load = Load(installation, client, await ping_urls(client))
        faults: list[Callable[[], None]] = [
            installation.kill_api,
            installation.restart_postgres,
            installation.kill_worker,
            installation.kill_postgres,
        ]
        async with asyncio.TaskGroup() as group:
            for _ in range(SENDERS):
                group.create_task(load.send())
            for turn, after in enumerate(range(BETWEEN_FAULTS, MESSAGES, BETWEEN_FAULTS)):
                await load.until(after)
                await asyncio.to_thread(faults[turn % len(faults)])
        await installation.answers()
        await asyncio.to_thread(
            eventually, lambda: not installation.journaled(), "the journal is written home"
        )
        found = stored(installation.database_url)
        lost = load.acknowledged - found.keys()
        assert not lost, f"{len(lost)} of {len(load.acknowledged)} acknowledged are nowhere"
        assert [number for number, count in found.items() if count > 1] == []
