"""Which addresses may be called at a tenant's wish, and what comes of calling one (`outbound`)."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import NamedTuple

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class OutboundRefused(Exception):
    """The address is one that may not be called. Its message may be shown to the tenant."""


class OutboundFailed(Exception):
    """There was no answer, or none that can be used."""


class Answered(NamedTuple):
    """`body`: as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


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
