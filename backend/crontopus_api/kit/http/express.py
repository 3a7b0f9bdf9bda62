"""Short requests that are answered without a task of their own.

For a ping, ASGI costs as much as all the rest of the HTTP server: a task, an event, a scope and two messages for an
answer of two bytes. An application that has a method `express` is asked first; what it does not want to answer there
goes the usual way, and what it does is answered the same on both ways.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from crontopus_api.kit.http.asgi import Scope

log = structlog.get_logger()

_MOST_BODY_BYTES = 64 << 10
# Whoever sends one of these expects more of a server than an answer.
_UNUSUAL = frozenset({b"transfer-encoding", b"expect", b"upgrade"})
_METHODS = frozenset({b"GET", b"POST"})


class Answer(NamedTuple):
    """`head`: the status line and headers, each with its line's end."""

    head: bytes
    body: bytes


class Awaited(NamedTuple):
    """`answer` makes of the future, once it is done, what is said. It raises nothing that is expected."""

    future: "asyncio.Future[Any]"
    answer: "Callable[[asyncio.Future[Any]], Answer]"


Take = Callable[[bytes], Answer | Awaited]
"""Takes the request's body."""
Express = Callable[[Scope], Take | None]
"""None: not here. The scope's path, method and headers are there."""

_FAILED = Answer(
    b"HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 21\r\n",
    b"Internal Server Error",
)


class _Nobody:
    """Nobody waits for parts of the body."""

    def set(self) -> None:
        pass


class ExpressCycle:
    """Stands where uvicorn has the RequestResponseCycle of the request that is being answered."""

    message_event = _Nobody()

    def __init__(self, connection: "ExpressConnection", take: Take, *, keep_alive: bool) -> None:
        self._connection: ExpressConnection | None = connection
        self._take = take
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False

    def run(self) -> None:
        """Once the whole body is there."""
        try:
            taken = self._take(bytes(self.body))
        except Exception:
            self._fail()
            return
        if isinstance(taken, Answer):
            self._say(taken)
        else:
            self._answer = taken.answer
            taken.future.add_done_callback(self._done)

    def _done(self, future: "asyncio.Future[Any]") -> None:
        try:
            answer = self._answer(future)
        except Exception:
            self._fail()
        else:
            self._say(answer)

    def _fail(self) -> None:
        log.exception("short_request_failed")
        self.keep_alive = False
        self._say(_FAILED)

    def _say(self, answer: Answer) -> None:
        # It keeps us, so we let go of it: whoever opens a connection for each ping leaves no garbage to be collected.
        connection, self._connection = self._connection, None
        if self.disconnected or connection is None:
            return
        self.response_started = self.response_complete = True
        connection.say(answer, close=not self.keep_alive)


class ExpressConnection(HttpToolsProtocol):
    """A connection on which short requests may be answered that way."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._express: Express | None = getattr(self.app, "express", None)

    def on_headers_complete(self) -> None:
        take = self._taken() if self._express is not None and self._is_plain() else None
        if take is None:
            super().on_headers_complete()
        else:
            keep_alive = self.parser.get_http_version() == "1.1" and self.parser.should_keep_alive()
            self.cycle = ExpressCycle(self, take, keep_alive=keep_alive)  # type: ignore[assignment]

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if isinstance(self.cycle, ExpressCycle) and not self.cycle.response_complete:
            self.cycle.run()

    def say(self, answer: Answer, *, close: bool) -> None:
        lines = [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        end = b"connection: close\r\n\r\n" if close else b"\r\n"
        self.transport.write(b"".join((answer.head, *lines, end, answer.body)))
        if close:
            self.transport.close()
        self.on_response_complete()

    def _is_plain(self) -> bool:
        """Whether it comes alone, its body in one piece or a few, and its address says no more than a path."""
        if self.cycle is not None and not self.cycle.response_complete:
            return False
        if self.parser.get_method() not in _METHODS or not self.url.startswith(b"/"):
            return False
        if b"?" in self.url or b"%" in self.url or b"#" in self.url or self.flow.write_paused:
            return False
        size = b"0"
        for name, value in self.headers:
            if name in _UNUSUAL:
                return False
            if name == b"content-length":
                size = value
        small = size.isdigit() and len(size) < 6 and int(size) <= _MOST_BODY_BYTES
        return small and not self._is_crowded()

    def _is_crowded(self) -> bool:
        most = self.limit_concurrency
        return most is not None and (len(self.connections) >= most or len(self.tasks) >= most)

    def _taken(self) -> Take | None:
        assert self._express is not None
        scope: Any = self.scope
        scope["method"] = self.parser.get_method().decode()
        scope["path"], scope["query_string"] = self.url.decode("latin-1"), b""
        return self._express(scope)
