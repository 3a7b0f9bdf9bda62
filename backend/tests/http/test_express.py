"""Pings on the short way, over real sockets: answered and kept as on the long one, and no less guarded."""

import asyncio
import gc
import re
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from crontopus_api.checkins import line
from crontopus_api.kit.errors import Unavailable
from crontopus_api.kit.http.asgi import Receive, Scope, Send
from crontopus_api.kit.http.connections import GuardedConnection
from crontopus_api.kit.http.express import Answer, Awaited, Take

from ..platform import Person, Platform, running_platform
from .serving import served, status_of, talk

CLOSE = b"Connection: close\r\n"
PING_HOST = "ping.test"


class LongWay(GuardedConnection):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._express = None


class Counting(GuardedConnection):
    """`short`: how many requests were answered on the short way."""

    short = 0

    def _taken(self) -> Take | None:
        take = super()._taken()
        Counting.short += take is not None
        return take


def post(target: str, body: bytes = b"", headers: bytes = b"", version: str = "1.1") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    start = f"POST {target} HTTP/{version}\r\nHost: x\r\n{length}"
    return start.encode() + headers + CLOSE + b"\r\n" + body


def get(target: str, method: str = "GET", host: str = "x") -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n".encode() + CLOSE + b"\r\n"


CASES: dict[str, tuple[bool, Callable[[str], bytes]]] = {
    "post": (True, lambda key: post(f"/ping/{key}", b"done")),
    "get": (True, lambda key: get(f"/ping/{key}")),
    "slash at the end": (True, lambda key: get(f"/ping/{key}/")),
    "start": (True, lambda key: post(f"/ping/{key}/start")),
    "fail": (True, lambda key: post(f"/ping/{key}/fail", b"\xff\x00 went wrong")),
    "log": (True, lambda key: post(f"/ping/{key}/log", b"on its way")),
    "exit code": (True, lambda key: post(f"/ping/{key}/7")),
    "capitals": (True, lambda key: get(f"/ping/{key.upper()}")),
    "nobody's key": (True, lambda _: get(f"/ping/{uuid4()}")),
    "as much as is kept": (True, lambda key: post(f"/ping/{key}", b"x" * 65536)),
    "HTTP/1.0": (True, lambda key: post(f"/ping/{key}", b"old", version="1.0")),
    "ping host": (True, lambda key: get(f"/{key}/start", host=PING_HOST)),
    "more than is kept": (False, lambda key: post(f"/ping/{key}", b"x" * 65537)),
    "in chunks": (
        False,
        lambda key: post(f"/ping/{key}", headers=b"Transfer-Encoding: chunked\r\n") + b"2\r\nhi\r\n0\r\n\r\n",
    ),
    "asking before sending": (False, lambda key: post(f"/ping/{key}", b"hi", b"Expect: 100-continue\r\n")),
    "run id": (False, lambda key: get(f"/ping/{key}?rid={key}")),
    "encoded": (False, lambda key: get(f"/ping/%{ord(key[0]):x}{key[1:]}")),
    "slug": (False, lambda _: get("/ping/abcdefghijklmnopqrstuv/backup")),
    "no exit code": (False, lambda key: get(f"/ping/{key}/256")),
    "no address": (False, lambda key: get(f"/ping/{key}/what/ever")),
    "not the ping host": (False, lambda key: get(f"/{key}/start")),
    "head": (False, lambda key: get(f"/ping/{key}", "HEAD")),
    "preflight": (False, lambda key: get(f"/ping/{key}", "OPTIONS")),
    "method": (False, lambda key: get(f"/ping/{key}", "DELETE")),
    "monitor of cronitor's": (False, lambda key: get(f"/ping/{key}/monitor/run")),
}


@pytest.fixture
async def platform(database_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running_platform(database_url, tmp_path / "data", ping_host=PING_HOST) as running:
        yield running


async def kept(platform: Platform, person: Person, name: str) -> list[Any]:
    await platform.services.ingest.writer.settled()
    async with platform.services.database.tenant(person.tenant_id) as session:
        rows = await session.execute(
            text(
                "SELECT r.state, r.source, r.exit_code, r.output_bytes, r.output_truncated, o.content"
                " FROM runs r JOIN jobs j ON j.id = r.job_id"
                " LEFT JOIN run_outputs o ON o.run_id = r.id WHERE j.name = :name"
            ),
            {"name": name},
        )
        return [tuple(row) for row in rows]


def alike(answer: bytes, key: str) -> tuple[bytes, list[bytes], bytes]:
    """(status line, headers, body) without what differs from one answer to the next."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 100 "):
        head, _, body = body.partition(b"\r\n\r\n")
    status, *headers = head.replace(key.encode(), b"KEY").split(b"\r\n")
    headers = [re.sub(rb"\A(date|x-request-id): .+", rb"\1", line) for line in headers]
    return status, sorted(headers), body


@pytest.mark.parametrize("case", CASES)
async def test_both_ways_answer_and_keep_the_same(platform: Platform, ada: Person, case: str) -> None:
    short, request = CASES[case]
    found = []
    Counting.short = 0
    for name, connection in (("short", Counting), ("long", LongWay)):
        key = (await ada.put_job(f"default/{name}"))["ping_url"].rpartition("/")[2]
        async with served(platform.app, connection) as port:
            answer = await talk(port, request(key))
        assert status_of(answer), answer
        found.append((alike(answer, key), await kept(platform, ada, name)))
    assert found[0] == found[1]
    assert Counting.short == short


async def test_one_after_another_and_all_at_once_on_one_connection(platform: Platform, ada: Person) -> None:
    key = (await ada.put_job("default/job"))["ping_url"].rpartition("/")[2]
    one = f"POST /ping/{key}/log HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi".encode()
    other = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    async with served(platform.app, Counting) as port:
        answer = await talk(port, one, one + one + other + one, get(f"/ping/{key}"))
    statuses = re.findall(rb"HTTP/1.1 (\d+)", answer)
    assert statuses == [b"200"] * 6
    assert len(await kept(platform, ada, "job")) == 5


async def test_too_many_for_the_plan_are_told_when_to_come_again(platform: Platform, ada: Person) -> None:
    key = (await ada.put_job("default/job"))["ping_url"].rpartition("/")[2]
    platform.services.ingest.meter.count(key, 1_000_000)
    answers = []
    for connection in (Counting, LongWay):
        async with served(platform.app, connection) as port:
            answers.append(await talk(port, get(f"/ping/{key}")))
    assert [status_of(answer) for answer in answers] == [429, 429]
    assert all(b"\r\nretry-after: " in answer for answer in answers)


@pytest.mark.parametrize("connection", [Counting, LongWay])
async def test_what_could_not_be_kept_is_to_be_sent_again(
    platform: Platform, ada: Person, connection: type[GuardedConnection], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = (await ada.put_job("default/job"))["ping_url"].rpartition("/")[2]
    async with served(platform.app, connection) as port:
        monkeypatch.setattr(line, "MOST_WAITING", 0)
        full = await talk(port, get(f"/ping/{key}"))
        refused = asyncio.get_running_loop().create_future()
        refused.set_exception(Unavailable("It could not be stored.", retry_after_seconds=7))
        monkeypatch.setattr(platform.services.ingest.writer, "enqueue", lambda _: refused)
        away = await talk(port, get(f"/ping/{key}"))
    assert (status_of(full), status_of(away)) == (503, 503)
    assert b"\r\nretry-after: 2\r\n" in full
    assert b"\r\nretry-after: 7\r\n" in away
    assert full.endswith(b"\r\n\r\ntry again")


class Applied:
    """An application that answers everything on the short way, when it is told to."""

    def __init__(self) -> None:
        self.future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.taken = asyncio.Event()

    def express(self, scope: Scope) -> Take | None:
        if scope["path"] == "/broken":
            return self._break
        return self._take if scope["path"] == "/short" else None

    def _break(self, body: bytes) -> Answer:
        raise ZeroDivisionError(body)

    def _take(self, body: bytes) -> Awaited:
        self.taken.set()
        return Awaited(self.future, lambda done: Answer(b"HTTP/1.1 200 OK\r\n", done.result().encode()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


@pytest.fixture
async def applied() -> Applied:
    return Applied()


async def test_what_goes_wrong_is_a_500_and_the_end_of_the_connection(applied: Applied) -> None:
    async with served(applied) as port:
        answer = await talk(port, b"POST /broken HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
        assert status_of(answer) == 500
        assert b"\r\nconnection: close\r\n" in answer
        asking = asyncio.create_task(talk(port, b"GET /short HTTP/1.1\r\nHost: x\r\n\r\n"))
        await applied.taken.wait()
        applied.future.set_exception(ZeroDivisionError())
        assert status_of(await asking) == 500


async def test_who_goes_away_is_not_answered(applied: Applied, caplog: pytest.LogCaptureFixture) -> None:
    async with served(applied) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /short HTTP/1.1\r\nHost: x\r\n\r\n")
        await applied.taken.wait()
        writer.transport.abort()
        async with httpx.AsyncClient() as client:  # by the time this is answered the other's end was seen
            assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 204
            applied.future.set_result("nobody hears it")
            assert (await client.get(f"http://127.0.0.1:{port}/")).status_code == 204
    assert not caplog.records


@pytest.mark.parametrize("path", ["/short", "/long"])
async def test_a_connection_that_is_over_is_no_garbage(applied: Applied, path: str) -> None:
    seen: list[weakref.ref[GuardedConnection]] = []

    class Watched(GuardedConnection):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            seen.append(weakref.ref(self))

    applied.future.set_result("done")
    async with served(applied, Watched) as port:
        gc.disable()
        try:
            assert status_of(await talk(port, get(path))) in {200, 204}
            # By the time the next one is answered, the last one's end was seen.
            await talk(port, get("/healthz"))
            assert seen[0]() is None
        finally:
            gc.enable()


async def test_the_next_request_waits_for_its_turn(applied: Applied) -> None:
    async with served(applied) as port:
        both = b"GET /short HTTP/1.1\r\nHost: x\r\n\r\n" + get("/other")
        asking = asyncio.create_task(talk(port, both))
        await applied.taken.wait()
        applied.future.set_result("first")
        first, _, second = (await asking).partition(b"first")
        assert (status_of(first), status_of(second)) == (200, 204)


async def test_a_full_house_refuses_on_both_ways(applied: Applied) -> None:
    async with served(applied, limit_concurrency=1) as port:
        assert status_of(await talk(port, get("/short"))) == 503
