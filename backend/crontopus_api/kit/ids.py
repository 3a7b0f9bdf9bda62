"""Identifiers: UUIDv7 (RFC 9562), made in the app, so that primary keys arrive in order of time."""

import os
import time
from datetime import UTC, datetime
from uuid import UUID


def uuid7(at: datetime | None = None) -> UUID:
    """A new UUIDv7 carrying `at` (default: now) in milliseconds.

    Python has `uuid.uuid7` from 3.14 on; this is the same layout for the versions before.
    """
    milliseconds = time.time_ns() // 1_000_000 if at is None else int(at.timestamp() * 1000)
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76 | (random >> 68) << 64  # version, 12 random bits
    value |= 0b10 << 62 | (random & 0x3FFF_FFFF_FFFF_FFFF)  # variant, 62 random bits
    return UUID(int=value)


def time_of(identifier: UUID) -> datetime:
    """The instant a UUIDv7 was made at. Raises ValueError for any other kind of UUID."""
    if identifier.version != 7:
        raise ValueError(f"{identifier} is not a UUIDv7")
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)
