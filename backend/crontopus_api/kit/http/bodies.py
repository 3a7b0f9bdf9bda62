"""Request bodies: bounded before anything reads them, and JSON only as far as it can be kept.

A body is taken whole before the route runs, within the limit of its route and within what all bodies together may
take. JSON is then looked at once: a broken or endless one, bad UTF-8, lone surrogates and NUL (which PostgreSQL
cannot store) are the sender's fault, and nothing behind this needs to think of them.
"""

import re
from typing import Final

import msgspec

from crontopus_api.kit.errors import CrontopusError, Unavailable
from crontopus_api.kit.http.asgi import Message, Receive, Scope

_KIB, _MIB = 1 << 10, 1 << 20
DEFAULT_LIMIT: Final = _MIB
# The first that fits. Each has room for the longest body that its route's schema takes.
LIMITS: Final[tuple[tuple[str, int], ...]] = (
    ("/api/v1/auth/", 16 * _KIB),
    ("/api/v1/check-ins/batch", 16 * _MIB),
    ("/api/v1/check-ins", 2 * _MIB),
    ("/api/v1/endpoints/self/", 16 * _MIB),
    ("/api/v1/jobs:apply", 16 * _MIB),
    ("/api/v1/jobs:import", 6 * _MIB),
)
# Bodies of all requests that are being answered.
MOST_AT_ONCE: Final = 128 * _MIB
# Each value of a JSON document costs some 60 bytes in memory, however short it is written.
MOST_JSON_VALUES: Final = 500_000
_SEPARATORS = (b",", b"[", b"{")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class BodyTooLarge(CrontopusError):
    status, title, default_code = 413, "Too large", "too_large"


class Malformed(CrontopusError):
    status, title, default_code = 400, "Malformed", "malformed"


class Gone(Exception):
    """The client went away before it had said everything."""


def limit_for(path: str) -> int:
    return next((limit for prefix, limit in LIMITS if path.startswith(prefix)), DEFAULT_LIMIT)


class Bodies:
    """Takes bodies in, and knows how much of them is in memory."""

    def __init__(self, most_at_once: int = MOST_AT_ONCE) -> None:
        self._room = most_at_once

    async def take(self, scope: Scope, receive: Receive) -> "Body":
        """Raises BodyTooLarge, Malformed, Unavailable (there is no room now) or Gone."""
        limit = limit_for(scope["path"])
        headers = dict(scope["headers"])
        length = _length(headers.get(b"content-length"))
        if length is not None and length > limit:
            raise _too_large(limit)
        body = Body(self)
        try:
            await body.read(receive, limit)
            if body.data and _is_json(headers.get(b"content-type")):
                check_json(body.data)
        except BaseException:
            body.forget()
            raise
        return body

    def reserve(self, size: int) -> None:
        if size > self._room:
            raise Unavailable("There is too much being received at once.", retry_after_seconds=5)
        self._room -= size

    def release(self, size: int) -> None:
        self._room += size


class Body:
    """One request's. `forget` it when the request has been answered."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._size = 0
        self.data = b""

    async def read(self, receive: Receive, limit: int) -> None:
        parts: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            part, more = message.get("body", b""), message.get("more_body", False)
            if self._size + len(part) > limit:
                raise _too_large(limit)
            self._bodies.reserve(len(part))
            self._size += len(part)
            parts.append(part)
        self.data = parts[0] if len(parts) == 1 else b"".join(parts)

    def replayed(self, receive: Receive) -> Receive:
        """A `receive` that gives the body first."""
        told = False

        async def again() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": self.data, "more_body": False}

        return again

    def forget(self) -> None:
        self._bodies.release(self._size)
        self._size = 0


def check_json(data: bytes) -> None:
    """Raises Malformed or BodyTooLarge."""
    if sum(data.count(separator) for separator in _SEPARATORS) > MOST_JSON_VALUES:
        raise BodyTooLarge(f"The JSON has more than {MOST_JSON_VALUES} values.", code="too_many_values")
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"The body is not JSON: {error}.", code="invalid_json") from error
    except RecursionError as error:
        raise Malformed("The JSON is nested too deeply.", code="invalid_json") from error
    if _NUL.search(data):
        raise Malformed("The JSON holds a NUL character, which cannot be stored.", code="nul_character")


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes.")


def _length(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None


def _is_json(kind: bytes | None) -> bool:
    if kind is None:
        return True  # FastAPI takes it for JSON as well
    media = kind.partition(b";")[0].strip().lower()
    return media == b"application/json" or media.endswith(b"+json")
