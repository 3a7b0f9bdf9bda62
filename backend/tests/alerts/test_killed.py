"""Workers are killed while they deliver, again and again: nothing is lost, nothing comes out of order, and what comes
twice comes under the same id with the same words."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ..platform import Person, Platform
from ..postgres import service_url
from .acting import fail, hush_owners, settle, states, verified_hook
from .receiver import Asked, Receiver, Reply, running

pytestmark = pytest.mark.usefixtures("apart")

KILLS = 200 if os.environ.get("CRONTOPUS_SOAK") else 20
# So many that what goes out one by one is soon used up, and digests are killed as well.
_JOBS = 10


class _Workers:
    """`go` starts the next one; `over` waits for its end and says whether it was killed."""

    def __init__(self, process: asyncio.subprocess.Process, whose: str) -> None:
        self._process = process
        self._whose = whose

    async def go(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(f"go {self._whose}\n".encode())
        return int((await self._line()).removeprefix("started "))

    async def over(self) -> bool:
        said = await self._line()
        assert said in {"killed", "over 0"}, said
        return said == "killed"

    async def _line(self) -> str:
        assert self._process.stdout is not None
        return (await asyncio.wait_for(self._process.stdout.readline(), 60)).decode().strip()


@asynccontextmanager
async def _workers(platform: Platform, database_url: str, whose: str) -> AsyncIterator[_Workers]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.alerts.dying",
        service_url(database_url),
        str(platform.services.settings.data_dir),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield _Workers(process, whose)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


class _Killer:
    """Answers like anybody, and now and then kills who asks: before it took the message, after, or a moment later."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.victim: int | None = None
        self.moment = ""
        self.pending: asyncio.TimerHandle | None = None

    def aim(self, victim: int) -> None:
        self.victim = victim
        self.moment = self._dice.choice(["before", "during", "after", "after"])
        if self.moment == "before":
            # Anywhere: while it starts, reads, settles, connects.
            delay = self._dice.uniform(0, 0.4)
            self.pending = asyncio.get_running_loop().call_later(delay, self.shoot)

    def shoot(self) -> None:
        if self.victim is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.victim, signal.SIGKILL)
            self.victim = None

    def disarm(self) -> None:
        self.victim = None
        if self.pending is not None:
            self.pending.cancel()

    def __call__(self, _: Asked) -> Reply:
        if self.moment == "during":
            self.shoot()
        elif self.moment == "after":
            self.pending = asyncio.get_running_loop().call_later(self._dice.uniform(0, 0.02), self.shoot)
        return Reply()


async def _more_news(platform: Platform, ada: Person, number: int) -> list[str]:
    """Jobs fail and recover: each has two pieces of news."""
    names = [f"default/job-{number}-{each}" for each in range(_JOBS)]
    urls = await fail(platform, ada, *names)
    for url in urls:
        await platform.ping(url)
    await settle(platform)
    return names


async def test_kill_9_loses_nothing(platform: Platform, ada: Person, database_url: str) -> None:
    killer = _Killer(random.Random(7))
    names: list[str] = []
    kills = rounds = 0
    async with running(Receiver(killer, {"/hook": "webhook.json"})) as hook:
        made = await verified_hook(ada, hook, per_minute=120)
        await hush_owners(ada)
        whose = f"{ada.tenant_id} {made['id']} {made['targets'][0]['target']}"
        async with _workers(platform, database_url, whose) as workers:
            while kills < KILLS:
                names += await _more_news(platform, ada, rounds)
                rounds += 1
                for _ in range(2):
                    killer.aim(await workers.go())
                    kills += await workers.over()
                    killer.disarm()
            await workers.go()
            assert not await workers.over()
        assert hook.complaints == []
    assert await states(platform, ada) == {"sent": 2 * len(names)}
    _judge(hook, names)


def _judge(hook: Receiver, names: list[str]) -> None:
    said: dict[str, list[tuple[str, str]]] = {}
    twice = 0
    for asked in hook.asked:
        news = [(each["title"], each["event"]) for each in asked.json["incidents"]]
        known = said.setdefault(asked.headers["webhook-id"], news)
        twice += known is not news
        # The same id never says anything else.
        assert known == news
    once = [each for news in said.values() for each in news]
    assert len(once) == len(set(once)), "told twice under different ids"
    for name in names:
        title = f"{name} is failing"
        assert once.index((title, "opened")) < once.index((title, "resolved"))
    assert len(once) == 2 * len(names)
    # Else nothing has been tried: some kills must have fallen between sending and recording.
    assert twice > 0
