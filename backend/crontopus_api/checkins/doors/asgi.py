"""What all doors have in common: methods, headers, bounded bodies, and an answer whatever happens."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from http import HTTPStatus
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs

import msgspec

from crontopus_api.checkins.metrics import RECEIVED
from crontopus_api.kit.errors import CrontopusError
from crontopus_api.kit.http.asgi import LEAVING, Header, Receive, Scope, Send
from crontopus_api.kit.http.express import Answer, Awaited

_TEXT = b"text/plain; charset=utf-8"
_JSON = b"application/json"
_METHODS = ("GET", "POST", "HEAD")
_ALLOWED = ", ".join((*_METHODS, "OPTIONS")).encode()
_PREFLIGHT: list[Header] = [
    (b"access-control-allow-methods", _ALLOWED),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
]
_EVERY_ANSWER: list[Header] = [
    (b"access-control-allow-origin", b"*"),
    # A ping that a cache answered would be a run nobody heard of.
    (b"cache-control", b"no-cache, no-store"),
]
_RETRY_SECONDS = 5


# There are few of them, and to find one takes longer than to count.
_received = cache(RECEIVED.labels)


class Disconnected(Exception):
    """The sender went away before it had said everything."""


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    media: bytes = _TEXT
    headers: tuple[Header, ...] = ()

    @classmethod
    def text(cls, status: int, words: str) -> "Reply":
        return cls(status, words.encode())

    @classmethod
    def json(cls, status: int, data: object) -> "Reply":
        return cls(status, msgspec.json.encode(data), _JSON)


class Refused(Exception):
    """The request cannot be taken; `reply` says why, in the words of the door's protocol."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Waited(NamedTuple):
    """A check-in on its way to where it is kept, and what is replied once it is there."""

    future: "asyncio.Future[Any]"
    reply: Callable[[Any], Reply]


Ahead = Callable[[bytes], Waited]
"""Takes the body. Raises a CrontopusError."""


@lru_cache(256)
def _headers(reply: Reply, door: tuple[Header, ...]) -> tuple[Header, ...]:
    length = (b"content-length", str(len(reply.body)).encode())
    return ((b"content-type", reply.media), length, *_EVERY_ANSWER, *door, *reply.headers)


@lru_cache(256)
def _head(reply: Reply, door: tuple[Header, ...]) -> bytes:
    """The same as they go out, after the status line."""
    status = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n".encode()
    return status + b"".join(b"%b: %b\r\n" % header for header in _headers(reply, door))


class Request:
    """A request as far as doors look at it. The body is read by whoever wants it."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._query: dict[str, list[str]] | None = None
        self.method: str = scope["method"]

    @property
    def path(self) -> str:
        path: str = self._scope["path"]
        return path

    @property
    def query(self) -> dict[str, list[str]]:
        if self._query is None:
            text: bytes = self._scope["query_string"]
            self._query = parse_qs(text.decode("latin-1"), keep_blank_values=True) if text else {}
        return self._query

    def last(self, name: str) -> str | None:
        """The parameter's value; of several the last."""
        values = self.query.get(name)
        return values[-1] if values else None

    def header(self, name: bytes) -> str:
        value = next((value for key, value in self._scope["headers"] if key == name), b"")
        return bytes(value).decode("latin-1")

    async def chunk(self) -> tuple[bytes, bool]:
        """(the next part of the body, whether there is more). Raises Disconnected: half a message is none."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        return message.get("body", b""), message.get("more_body", False)

    async def body(self, limit: int) -> bytes | None:
        """The whole body; None when it is larger than `limit` bytes."""
        whole, more = bytearray(), True
        while more:
            chunk, more = await self.chunk()
            if len(whole) + len(chunk) > limit:
                return None
            whole += chunk
        return bytes(whole)


class Door(ABC):
    """An ASGI app for one protocol. Subclasses say what a request means, in `take`."""

    name: ClassVar[str]
    headers: ClassVar[tuple[Header, ...]] = ()

    @abstractmethod
    async def take(self, request: Request) -> Reply:
        """Answers once the check-in is stored. Raises Refused or a CrontopusError."""

    def refusal(self, status: int, words: str) -> Reply:
        """How this protocol says no."""
        return Reply.text(status, words)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            reply = await self._reply(request)
        except Disconnected:
            _received(self.name, "disconnected").inc()
            return
        headers = [
            *_headers(reply, self.headers),
            *scope.get(LEAVING, ()),
        ]
        body = b"" if request.method == "HEAD" else reply.body
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def express(self, path: str) -> "Ahead | None":
        """What is to be done with the body of a GET or POST to `path`, if that can be done without waiting for more
        than the writer; None: `take` must be asked."""
        return None

    def reply_now(self, ahead: "Ahead", body: bytes, leaving: bytes) -> Answer | Awaited:
        """Answers as `__call__` does. `leaving`: the edge's headers."""
        try:
            awaited = ahead(body)
        except CrontopusError as error:
            return self._told(self._failed(error), leaving)

        def answer(done: "asyncio.Future[Any]") -> Answer:
            try:
                reply = awaited.reply(done.result())
            except CrontopusError as error:
                reply = self._failed(error)
            return self._told(reply, leaving)

        return Awaited(awaited.future, answer)

    def _told(self, reply: Reply, leaving: bytes) -> Answer:
        _received(self.name, "ok" if reply.status < 300 else str(reply.status)).inc()
        return Answer(_head(reply, self.headers) + leaving, reply.body)

    async def _reply(self, request: Request) -> Reply:
        if request.method == "OPTIONS":
            return Reply(204, headers=tuple(_PREFLIGHT))
        if request.method not in _METHODS:
            return Reply(405, b"method not allowed", headers=((b"allow", _ALLOWED),))
        try:
            reply = await self.take(request)
        except Refused as refused:
            reply = refused.reply
        except CrontopusError as error:
            reply = self._failed(error)
        _received(self.name, "ok" if reply.status < 300 else str(reply.status)).inc()
        return reply

    def _failed(self, error: CrontopusError) -> Reply:
        # Our own API says 422; these protocols know 400 for whatever is wrong with a request.
        status = 400 if error.status == 422 else error.status
        reply = self.refusal(status, "try again" if status == 503 else error.message)
        if status not in {429, 503}:
            return reply
        seconds = error.retry_after_seconds or _RETRY_SECONDS
        return Reply(status, reply.body, reply.media, ((b"retry-after", str(seconds).encode()),))
