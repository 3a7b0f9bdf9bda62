"""Which hop is the client. Only what a trusted proxy says is believed, and only from the right: everything further
left than the last trusted hop was written by whoever sent the request."""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache

from crontopus_api.kit.http.asgi import Header

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# More hops than any real chain has; the rest would only cost time.
_MOST_HOPS = 32


class Proxies:
    """`trusted`: networks whose X-Forwarded-For, X-Forwarded-Proto and X-Request-ID are believed.

    `client_header`: where they name the client instead, and nobody else. Some platforms put into X-Forwarded-For a hop
    of their own network that cannot be listed.
    """

    def __init__(self, trusted: Iterable[Network] = (), client_header: str | None = None) -> None:
        self._networks = tuple(trusted)
        self._client_header = client_header.lower().encode() if client_header else None
        self.trusts = lru_cache(4096)(self._trusts)

    def _trusts(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(parsed, "ipv4_mapped", None)
        return any((mapped or parsed) in network for network in self._networks)

    def client(self, peer: str, headers: Sequence[Header]) -> str:
        """The address of the client behind `peer`, which is trusted."""
        if self._client_header is not None:
            named = [value for name, value in headers if name == self._client_header]
            if len(named) == 1 and (client := _address(named[0].decode("latin-1"))) is not None:
                return client
        said = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1")
        found = peer
        for part in reversed(said.split(",")[-_MOST_HOPS:]):
            hop = _address(part)
            if hop is None:
                break  # nonsense: what is left of it cannot be believed either
            found = hop
            if not self.trusts(hop):
                break
        return found


def _address(text: str) -> str | None:
    """An address as some proxies write it: with a port, in brackets. None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None
