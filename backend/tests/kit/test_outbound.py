"""Addresses of a tenant's choice lead nowhere inside."""

import ipaddress
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from crontopus_api.kit.http.asgi import Receive, Scope, Send
from crontopus_api.kit.outbound import OutboundRefused, is_allowed, outbound_client

from ..http.serving import served

HERE = (ipaddress.ip_network("127.0.0.0/8"),)
seen: list[dict[bytes, bytes]] = []


async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    """A server somewhere: answers plainly, redirects, or does not end."""
    seen.append(dict(scope["headers"]))
    path = scope["path"]
    headers = [(b"location", b"http://127.0.0.1/inside")] if path == "/redirect" else []
    await send({"type": "http.response.start", "status": 302 if headers else 200, "headers": headers})
    if path == "/endless":
        for _ in range(64):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    if path == "/silent":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    seen.clear()
    async with served(elsewhere) as port:
        yield port


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1"),
        *("::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "64:ff9b:1::a00:1"),
    ],
)
def test_what_is_not_public_is_not_called(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_what_is_public_is(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://2130706433:{port}/"),
        *("http://0x7f.1:{port}/", "http://127.1:{port}/", "http://[::ffff:127.0.0.1]:{port}/"),
        *("http://0:{port}/", "http://user:secret@93.184.216.34/", "ftp://93.184.216.34/"),
    ],
)
async def test_no_spelling_of_our_own_address_gets_through(port: int, url: str) -> None:
    async with outbound_client() as client:
        with pytest.raises(OutboundRefused):
            await client.get(url.format(port=port))
    assert seen == []


async def test_what_is_called_is_what_was_looked_at(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers a public address first and ours afterwards."""
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    asked: list[str] = []

    async def getaddrinfo(_: Any, host: str, port: int, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers[len(asked) - 1][0], port))]

    monkeypatch.setattr("uvloop.Loop.getaddrinfo", getaddrinfo, raising=False)
    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", getaddrinfo)
    called: list[str] = []

    async def handle(_: Any, request: httpx.Request) -> httpx.Response:
        called.append(f"{request.url.host} {request.headers['host']} {request.extensions['sni_hostname']}")
        return httpx.Response(200, stream=httpx.ByteStream(b""))

    monkeypatch.setattr("httpx.AsyncHTTPTransport.handle_async_request", handle)
    async with outbound_client() as client:
        await client.get(f"http://rebind.example:{port}/")
        with pytest.raises(OutboundRefused):
            await client.get(f"http://rebind.example:{port}/")
    assert asked == ["rebind.example"] * 2
    assert called == [f"93.184.216.34 rebind.example:{port} rebind.example"]


async def test_a_name_with_one_bad_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(_: Any, host: str, port: int, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in ("1.1.1.1", "10.0.0.1")]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", getaddrinfo)
    async with outbound_client() as client:
        with pytest.raises(OutboundRefused):
            await client.get("http://both.example/")


async def test_allowed_networks_are_called_by_name(port: int) -> None:
    async with outbound_client(HERE) as client:
        answer = await client.post(f"http://localhost:{port}/hook", json={"a": 1})
    assert (answer.status_code, answer.text) == (200, "hello")
    assert seen[0][b"host"] == f"localhost:{port}".encode()
    assert seen[0][b"accept-encoding"] == b"identity"


async def test_redirects_are_not_followed(port: int) -> None:
    async with outbound_client(HERE) as client:
        assert (await client.get(f"http://127.0.0.1:{port}/redirect")).status_code == 302
    assert len(seen) == 1


async def test_answers_are_bounded_in_size_and_time(port: int) -> None:
    async with outbound_client(HERE, total_seconds=0.3) as client:
        with pytest.raises(httpx.ReadError, match="larger than"):
            await client.get(f"http://127.0.0.1:{port}/endless")
        with pytest.raises(httpx.ReadTimeout):
            await client.get(f"http://127.0.0.1:{port}/silent")
