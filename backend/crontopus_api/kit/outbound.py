"""Requests to addresses that a tenant chose: never into our own network, never further than asked.

`outbound_client` gives an httpx client whose transport resolves the name itself, refuses what is not public (or
allowed by CRONTOPUS_OUTBOUND_ALLOW), and connects to exactly the address it has looked at: a name that resolves
differently a moment later gains nothing. TLS is still verified for the name. Redirects are not followed, proxies of
the environment not used, and answers are cut at a size.
"""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Sequence

import httpx

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

TOTAL_SECONDS = 15.0
MOST_ANSWER_BYTES = 1 << 20
_SCHEMES = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class OutboundRefused(httpx.TransportError):
    """The address is one that may not be called. Its message may be shown to the tenant."""


def is_allowed(address: Address, allow: Sequence[Network] = ()) -> bool:
    """Whether it is public, or in one of the networks of `allow`."""
    inner = _inner(address)
    if any(each in network for each in (address, inner) for network in allow):
        return True
    return _is_public(inner)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for; itself for any other."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_public(address: Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class GuardedTransport(httpx.AsyncBaseTransport):
    """`allow`: networks that may be called although they are not public."""

    def __init__(
        self,
        allow: Sequence[Network] = (),
        *,
        total_seconds: float = TOTAL_SECONDS,
        most_answer_bytes: int = MOST_ANSWER_BYTES,
        verify: bool = True,
    ) -> None:
        self._allow = tuple(allow)
        self._total_seconds = total_seconds
        self._most_answer_bytes = most_answer_bytes
        # A connection is never used twice: one that was opened, and verified, for another name at the same address
        # would otherwise serve this one.
        self._inner = httpx.AsyncHTTPTransport(
            verify=verify, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            async with asyncio.timeout(self._total_seconds):
                address = await self._resolve(request.url)
                answer = await self._inner.handle_async_request(_pinned(request, address))
                try:
                    body = await self._read(answer)
                finally:
                    await answer.aclose()
        except TimeoutError as error:
            raise httpx.ReadTimeout(f"no answer within {self._total_seconds:g} s", request=request) from error
        headers = [
            (name, value)
            for name, value in answer.headers.raw
            if name.lower() not in {b"transfer-encoding", b"content-length"}
        ]
        return httpx.Response(answer.status_code, headers=headers, stream=httpx.ByteStream(body))

    async def _resolve(self, url: httpx.URL) -> str:
        if url.scheme not in _SCHEMES:
            raise OutboundRefused(f"only http and https are called, not {url.scheme}")
        if url.userinfo:
            raise OutboundRefused("the address may not hold a user name or password")
        host = url.host
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, url.port or _SCHEMES[url.scheme], type=socket.SOCK_STREAM
            )
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} cannot be resolved") from error
        addresses = [str(each[4][0]) for each in found]
        # All of them: a name with one good and one bad address is up to something.
        for text in addresses:
            if not is_allowed(ipaddress.ip_address(text.partition("%")[0]), self._allow):
                raise OutboundRefused(f"{host} is not a public address")
        return addresses[0]

    async def _read(self, answer: httpx.Response) -> bytes:
        """The raw body as it came: unpacking would let a small one become a huge one before it is counted."""
        body = bytearray()
        stream: AsyncIterator[bytes] = aiter(answer.aiter_raw())
        async for piece in stream:
            body += piece
            if len(body) > self._most_answer_bytes:
                raise httpx.ReadError(f"the answer is larger than {self._most_answer_bytes} bytes")
        return bytes(body)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _pinned(request: httpx.Request, address: str) -> httpx.Request:
    """The same request to that very address; `Host` and the name that TLS verifies stay what they were."""
    # Asked for without packing, so that the bound on the answer's size is one on its true size.
    headers = httpx.Headers(request.headers)
    headers["accept-encoding"] = "identity"
    extensions = request.extensions | {"sni_hostname": request.url.host}
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=headers,
        stream=request.stream,
        extensions=extensions,
    )


def outbound_client(allow: Sequence[Network] = (), **options: float | int) -> httpx.AsyncClient:
    """For requests that a tenant asked for. `options`: bounds of GuardedTransport. The caller closes it."""
    return httpx.AsyncClient(
        transport=GuardedTransport(allow, **options),  # type: ignore[arg-type]
        follow_redirects=False,
        trust_env=False,
    )
