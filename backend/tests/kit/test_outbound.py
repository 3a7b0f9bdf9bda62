"""Addresses of a tenant's choice lead nowhere inside."""

import ipaddress
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from crontopus_api.kit.addresses import OutboundFailed, OutboundRefused, is_allowed
from crontopus_api.kit.http.asgi import Receive, Scope, Send
from crontopus_api.kit.outbound import Outbound

from ..http.serving import served

HERE = (ipaddress.ip_network("127.0.0.0/8"),)
seen: list[dict[bytes, bytes]] = []


async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
    """A server somewhere: answers plainly, redirects, or does not end."""
    seen.append(dict(scope["headers"]))
    path = scope["path"]
    headers = {"/redirect": [(b"location", b"http://127.0.0.1/inside")], "/cookie": [(b"set-cookie", b"a=b")]}
    status = 302 if path == "/redirect" else 200
    await send({"type": "http.response.start", "status": status, "headers": headers.get(path, [])})
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
        *("//127.0.0.1:{port}/", "/", "http:///"),
    ],
)
async def test_no_spelling_of_our_own_address_gets_through(port: int, url: str) -> None:
    async with Outbound() as outbound:
        with pytest.raises(OutboundRefused):
            await outbound.request("GET", url.format(port=port), headers={})
    assert seen == []


def _resolving(monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> list[str]:
    """Names resolve to these addresses, one answer after the other; who was asked for is in the list."""
    asked: list[str] = []

    async def getaddrinfo(_: Any, host: str, port: int, **__: Any) -> list[Any]:
        asked.append(host)
        found = answers[len(asked) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in found]

    monkeypatch.setattr("uvloop.Loop.getaddrinfo", getaddrinfo, raising=False)
    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", getaddrinfo)
    return asked


async def test_what_is_called_is_what_was_looked_at(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that answers an allowed address first and another one of ours afterwards."""
    asked = _resolving(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    async with Outbound([ipaddress.ip_network("127.0.0.1/32")]) as outbound:
        await outbound.request("GET", f"http://rebind.example:{port}/", headers={})
        with pytest.raises(OutboundRefused):
            await outbound.request("GET", f"http://rebind.example:{port}/", headers={})
    assert asked == ["rebind.example"] * 2
    assert [each[b"host"] for each in seen] == [f"rebind.example:{port}".encode()]


async def test_a_name_with_one_bad_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolving(monkeypatch, ["1.1.1.1", "10.0.0.1"])
    async with Outbound() as outbound:
        with pytest.raises(OutboundRefused):
            await outbound.request("GET", "http://both.example/", headers={})


async def test_an_address_is_looked_at_again_when_its_socket_is_made(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it got past the look at the name."""

    async def unseen(_: Any, host: str, port: int = 0, family: Any = 0) -> list[Any]:
        return [
            {
                "hostname": host,
                "host": "127.0.0.1",
                "port": port,
                "family": socket.AF_INET,
                "proto": 6,
                "flags": 0,
            }
        ]

    monkeypatch.setattr("crontopus_api.kit.outbound._Resolver.resolve", unseen)
    async with Outbound() as outbound:
        with pytest.raises(OutboundRefused):
            await outbound.request("GET", f"http://unseen.example:{port}/", headers={})
    assert seen == []


async def test_allowed_networks_are_called_by_name(port: int) -> None:
    async with Outbound(HERE) as outbound:
        answer = await outbound.request("POST", f"http://localhost:{port}/hook", headers={}, content=b"{}")
    assert (answer.status, answer.body) == (200, b"hello")
    assert seen[0][b"host"] == f"localhost:{port}".encode()
    assert seen[0][b"accept-encoding"] == b"identity"


async def test_redirects_are_not_followed(port: int) -> None:
    async with Outbound(HERE) as outbound:
        answer = await outbound.request("GET", f"http://127.0.0.1:{port}/redirect", headers={})
    assert answer.status == 302
    assert len(seen) == 1


async def test_cookies_are_not_kept(port: int) -> None:
    async with Outbound(HERE) as outbound:
        for _ in range(2):
            await outbound.request("GET", f"http://localhost:{port}/cookie", headers={})
    assert [b"cookie" in each for each in seen] == [False, False]


async def test_answers_are_bounded_in_size_and_time(port: int) -> None:
    async with Outbound(HERE, total_seconds=0.3) as outbound:
        with pytest.raises(OutboundFailed, match="larger than"):
            await outbound.request("GET", f"http://127.0.0.1:{port}/endless", headers={})
        with pytest.raises(OutboundFailed, match="no answer within"):
            await outbound.request("GET", f"http://127.0.0.1:{port}/silent", headers={})


async def test_what_cannot_be_sent_is_not(port: int) -> None:
    async with Outbound(HERE) as outbound:
        with pytest.raises(ValueError, match=r"(?i)newline|control"):
            await outbound.request("GET", f"http://127.0.0.1:{port}/", headers={"x": "a\r\nhost: b"})
    assert seen == []
