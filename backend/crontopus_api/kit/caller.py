"""Where the request that is being answered comes from, for logs and the audit log.

Set once at the edge (`kit.http.edge`), read wherever something is recorded. Empty in workers and commands.
"""

import ipaddress
from collections.abc import MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, NamedTuple


class Caller(NamedTuple):
    """`address`: of the client, as far as configured proxies can be believed. `agent`: its User-Agent, cut.

    `request_id`: what the answer's X-Request-ID and every log line about the request say.
    """

    address: str | None = None
    agent: str | None = None
    request_id: str | None = None

    @property
    def network(self) -> str:
        """Whom limits per address count: an IPv6 address stands for its /64, which is one customer's."""
        return network_of(self.address) if self.address else "unknown"


_NOBODY = Caller()
REQUEST_ID = "crontopus.request_id"
_AGENT_LENGTH = 200
_current: ContextVar[Caller | MutableMapping[str, Any]] = ContextVar("caller", default=_NOBODY)
# From here on this task answers for the given Caller, or for the caller of the given ASGI scope: that is read only
# when somebody asks, which for most pings nobody does.
note_caller = _current.set


def current_caller() -> Caller:
    noted = _current.get()
    return noted if isinstance(noted, Caller) else _read(noted)


def _read(scope: MutableMapping[str, Any]) -> Caller:
    client = scope["client"]
    agent = next((bytes(value) for name, value in scope["headers"] if name == b"user-agent"), b"")
    return Caller(
        address=client[0] if client else None,
        agent=agent[:_AGENT_LENGTH].decode("latin-1") or None,
        request_id=scope[REQUEST_ID],
    )


@lru_cache(4096)
def network_of(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
