"""Clients that are slow, endless or deaf, over real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from crontopus_api.kit.http.asgi import Receive, Scope, Send
from crontopus_api.kit.http.connections import Corked, GuardedConnection

from .serving import served, status_of, talk


class Impatient(GuardedConnection):
    head_seconds = 0.3
    body_seconds = 0.3
    look_seconds = 0.1
    deaf_seconds = 0.3


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with how much it was sent; on /large with 64 MiB."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    large = scope["path"] == "/large"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1024 if large else 0):
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    await send({"type": "http.response.body", "body": str(size).encode()})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with served(echo, Impatient) as port:
        yield port


HOST = b"Host: x\r\n"


async def test_an_ordinary_request_is_answered(port: int) -> None:
    whole = b"POST / HTTP/1.1\r\n" + HOST + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello"
    answer = await talk(port, whole)
    assert (status_of(answer), answer.rpartition(b"\r\n0\r\n")[0][-1:]) == (200, b"5")
    assert status_of(await talk(port, *[whole[at : at + 1] for at in range(len(whole))])) == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 0),
        (b"G", 408),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-Slow: ", 408),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-Endless: " + b"a" * 50_000, 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-Large: " + b"a" * 33_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 101 + b"\r\n", 431),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET /" + b"a" * 50_000, 431),
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nhello", 408),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\n", 408),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", 408),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ],
)
async def test_what_does_not_end_or_is_too_large_is_refused(port: int, sent: bytes, status: int) -> None:
    answer = await talk(port, sent)
    assert status_of(answer) == status
    assert not status or b"application/problem+json" in answer


async def test_the_second_request_on_a_connection_is_bounded_as_well(port: int) -> None:
    first = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
    answer = await talk(port, first, b"GET / HTTP/1.1\r\nX-Slow")
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"HTTP/1.1 408" in answer


async def test_a_trickle_is_no_body(port: int) -> None:
    """Something always comes, but so slowly that it would take for ever."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n")

    answer = b""
    async with asyncio.timeout(5):
        while not answer:
            writer.write(b"a")
            with contextlib.suppress(TimeoutError):
                answer = await asyncio.wait_for(reader.read(100), 0.02)
    writer.transport.abort()
    assert status_of(answer) == 408


async def test_a_client_that_does_not_read_is_left() -> None:
    left = asyncio.Event()

    class Noticed(Impatient):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            left.set()

    async with served(echo, Noticed) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n")
        await reader.read(10)
        async with asyncio.timeout(5):
            await left.wait()
        writer.transport.abort()


async def test_the_head_and_the_body_of_an_answer_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    flush = Corked._flush

    def noting(self: Corked) -> None:
        if self._held:
            written.append(b"".join(self._held))
        flush(self)

    monkeypatch.setattr(Corked, "_flush", noting)
    async with served(echo, GuardedConnection) as port:
        answer = await talk(port, b"GET / HTTP/1.1\r\nConnection: close\r\n" + HOST + b"\r\n")
    assert written == [answer]
    assert answer.endswith(b"0\r\n\r\n")


async def test_a_stream_says_at_once_what_it_says() -> None:
    async def stream(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await receive()  # until the client has gone

    async with served(stream, GuardedConnection) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        writer.close()
