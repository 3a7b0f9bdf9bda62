"""Limits hold with a real Redis, between processes, and when it is gone."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from crontopus_api.kit.errors import TooManyRequests
from crontopus_api.kit.limits import RateLimits

from ..platform import PASSWORD, Person, Platform


class Redis:
    def __init__(self, port: int, directory: Path) -> None:
        self.url = f"redis://127.0.0.1:{port}/3"
        binary = shutil.which("redis-server")
        assert binary is not None, "apt-get install redis-server"
        arguments = ["--port", str(port), "--dir", str(directory), "--save", "", "--bind", "127.0.0.1"]
        self.process = subprocess.Popen([binary, *arguments], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        while "Ready to accept connections" not in self.process.stdout.readline():
            assert self.process.poll() is None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Redis(port, tmp_path)
    yield server
    server.kill()


async def _take(limits: RateLimits, times: int) -> int:
    """How many of `times` were let through."""
    passed = 0
    for _ in range(times):
        with contextlib.suppress(TooManyRequests):
            await limits.take("5/minute", "login", "ada")
            passed += 1
    return passed


async def test_two_processes_share_one_count(redis: Redis) -> None:
    one, other = RateLimits(redis.url), RateLimits(redis.url)
    assert await _take(one, 3) + await _take(other, 5) == 5
    assert await one.ready()


async def test_without_redis_each_process_counts_for_itself(redis: Redis) -> None:
    limits = RateLimits(redis.url)
    redis.kill()
    assert not await limits.ready()
    assert await _take(limits, 8) == 5


async def test_guessing_is_slowed_down_for_the_guesser_only(platform: Platform, ada: Person) -> None:
    guesser = platform.client()
    wrong = {"login": "ada", "password": "a wrong password"}
    answers = [await guesser.post("/api/v1/auth/login", json=wrong) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    right = {"login": "ada@example.org", "password": PASSWORD}
    # The other name of the same account is no second chance, and nothing tells that it is the same.
    assert (await guesser.post("/api/v1/auth/login", json=right)).status_code == 401
    elsewhere = httpx.ASGITransport(platform.app, client=("198.51.100.1", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://crontopus.test") as owner:
        assert (await owner.post("/api/v1/auth/login", json=right)).status_code == 200
