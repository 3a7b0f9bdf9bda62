"""Sentry's envelopes, in which its SDKs and its CLI send check-ins: `/api/{project}/envelope/`.

Only check-ins are read of them. Whatever else an SDK sends is thanked for and forgotten.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec

from crontopus_api.checkins.doors.asgi import Door, Reply, Request
from crontopus_api.checkins.doors.reporting import Reporter
from crontopus_api.checkins.doors.sentry import SentryCheckIn, read_json, refused, report

_PATH = re.compile(r"/api/[^/]+/envelope/?")
_SENT_BYTES = 1024 * 1024
_READ_BYTES = 8 * 1024 * 1024
_MOST_CHECK_INS = 100
_KEY = re.compile(r"(?:\A|[\s,])sentry_key=([A-Za-z0-9_-]+)")
_DSN_KEY = re.compile(r"https?://([A-Za-z0-9_-]+)[:@]")
# zlib reads both gzip's and its own header with this many window bits.
_ANY_HEADER = zlib.MAX_WBITS | 32


def is_envelope(path: str) -> bool:
    return _PATH.fullmatch(path) is not None


class EnvelopeDoor(Door):
    name = "sentry"

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    async def take(self, request: Request) -> Reply:
        sent = await request.body(_SENT_BYTES)
        if sent is None:
            raise refused(413, f"An envelope has at most {_SENT_BYTES} bytes.")
        header, _, rest = _inflated(sent, request.header(b"content-encoding")).partition(b"\n")
        about = _mapping(header)
        key = _key_of(request, about)
        for told in check_ins(rest):
            if not isinstance(told.monitor_slug, str):
                raise refused(400, "A check-in needs a monitor_slug.")
            await report(self._reporter, key, told.monitor_slug, told)
        event_id = about.get("event_id")
        return Reply.json(200, {"id": event_id} if isinstance(event_id, str) else {})

    def refusal(self, status: int, words: str) -> Reply:
        return refused(status, words).reply


def check_ins(items: bytes) -> Iterator[SentryCheckIn]:
    """The check-ins among the items: each a line of JSON about it, then its bytes. Raises Refused."""
    found = 0
    while items:
        line, _, items = items.partition(b"\n")
        if not line.strip():
            continue
        header = _mapping(line)
        length = header.get("length")
        if isinstance(length, int) and 0 <= length <= len(items):
            payload, items = items[:length], items[length:].removeprefix(b"\n")
        else:
            payload, _, items = items.partition(b"\n")
        if header.get("type") == "check_in":
            found += 1
            if found > _MOST_CHECK_INS:
                raise refused(413, f"An envelope has at most {_MOST_CHECK_INS} check-ins.")
            yield read_json(payload)


def _key_of(request: Request, about: dict[str, Any]) -> str:
    key = request.last("sentry_key")
    if key:
        return key
    if found := _KEY.search(request.header(b"x-sentry-auth")):
        return found[1]
    dsn = about.get("dsn")
    if isinstance(dsn, str) and (found := _DSN_KEY.match(dsn)):
        return found[1]
    raise refused(401, "No key: send X-Sentry-Auth, or sentry_key in the address.")


def _inflated(data: bytes, encoding: str) -> bytes:
    if encoding in {"", "identity"}:
        return data
    if encoding not in {"gzip", "deflate"}:
        raise refused(415, f"The encoding {encoding[:20]!r} is not known: use gzip, or none.")
    reader = zlib.decompressobj(_ANY_HEADER)
    try:
        whole = reader.decompress(data, _READ_BYTES)
    except zlib.error as error:
        raise refused(400, "The envelope is not what its encoding says.") from error
    if reader.unconsumed_tail:
        raise refused(413, f"An envelope has at most {_READ_BYTES} bytes.")
    return whole


def _mapping(line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise refused(400, "This is no envelope.") from error
