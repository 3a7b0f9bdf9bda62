"""Requests to addresses that a tenant chose: never into our own network, never further than asked.

Every address that is connected to is looked at when its socket is made: it is public, or allowed by
CRONTOPUS_OUTBOUND_ALLOW. So a name that resolves differently a moment later gains nothing, nor does a number however
it is spelt. TLS is verified for the name. Redirects are not followed, proxies of the environment not used, no cookie
is kept, and answers are cut at a size.

What it is made of takes 10 MB: it is imported when a first request is made.
"""

import ipaddress
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Self

import aiohttp
import certifi
from aiohttp.abc import ResolveResult
from yarl import URL

from crontopus_api.kit.addresses import Answered, Network, OutboundFailed, OutboundRefused, is_allowed

TOTAL_SECONDS = 15.0
MOST_ANSWER_BYTES = 1 << 20
_SCHEMES = {"http", "https"}


class _Guard:
    """Looks at the addresses of names, and at every address again just before it is connected to."""

    def __init__(self, allow: Sequence[Network]) -> None:
        self._allow = tuple(allow)

    def look_at(self, name: str, address: str) -> None:
        """Raises OutboundRefused."""
        if not is_allowed(ipaddress.ip_address(address.partition("%")[0]), self._allow):
            raise OutboundRefused(f"{name} is not a public address")

    def socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        family, kind, protocol, _, address = info
        self.look_at("this", str(address[0]))
        return socket.socket(family, kind, protocol)


class _Resolver(aiohttp.ThreadedResolver):
    def __init__(self, guard: _Guard) -> None:
        super().__init__()
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        # All of them: a name with one good and one bad address is up to something.
        for each in found:
            self._guard.look_at(host, each["host"])
        return found


class Outbound:
    """`allow`: networks that may be called although they are not public."""

    def __init__(
        self,
        allow: Sequence[Network] = (),
        *,
        total_seconds: float = TOTAL_SECONDS,
        most_answer_bytes: int = MOST_ANSWER_BYTES,
    ) -> None:
        self._allow = allow
        self._total_seconds = total_seconds
        self._most_answer_bytes = most_answer_bytes
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes | None = None
    ) -> Answered:
        """Raises OutboundRefused, OutboundFailed, and ValueError for what cannot be sent."""
        where = URL(url)
        if where.scheme not in _SCHEMES or not where.host:
            raise OutboundRefused("only http and https are called")
        if where.user is not None or where.password is not None:
            raise OutboundRefused("the address may not hold a user name or password")
        # Asked for without packing, so that the bound on the answer's size is one on its true size.
        sent = {**headers, "accept-encoding": "identity"}
        if self._session is None:
            self._session = self._opened()
        try:
            async with self._session.request(
                method, where, data=content, headers=sent, allow_redirects=False
            ) as answer:
                return Answered(answer.status, answer.headers, await self._read(answer))
        except aiohttp.InvalidURL as error:
            raise OutboundRefused("it is none that can be called") from error
        except TimeoutError as error:
            raise OutboundFailed(f"no answer within {self._total_seconds:g} s") from error
        except aiohttp.ClientConnectorError as error:
            raise OutboundFailed(error.strerror or str(error.os_error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise OutboundFailed(str(error) or type(error).__name__) from error

    def _opened(self) -> aiohttp.ClientSession:
        guard = _Guard(self._allow)
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(guard),
            socket_factory=guard.socket,
            ssl=ssl.create_default_context(cafile=certifi.where()),
            # A connection is never used twice: one that was opened for another name at the same address would
            # otherwise serve this one.
            force_close=True,
            use_dns_cache=False,
            limit=0,
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._total_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        """The raw body as it came: unpacking would let a small one become a huge one before it is counted."""
        body = bytearray()
        async for piece in answer.content.iter_any():
            body += piece
            if len(body) > self._most_answer_bytes:
                raise OutboundFailed(f"the answer is larger than {self._most_answer_bytes} bytes")
        return bytes(body)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
