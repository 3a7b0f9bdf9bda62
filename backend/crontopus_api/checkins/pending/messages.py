"""A check-in as it is kept while its job waits for a commit."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from crontopus_api.checkins.records import CheckIn, Target

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(CheckIn)


def pack(check_in: CheckIn) -> bytes:
    return _encoder.encode(check_in)


def unpack(message: bytes, received_at: datetime, target: Target) -> CheckIn:
    """The same message, event id and all, about `target`. Without a time of its own it happened when it came."""
    check_in = _decoder.decode(message)
    return replace(check_in, target=target, at=check_in.at or received_at)
