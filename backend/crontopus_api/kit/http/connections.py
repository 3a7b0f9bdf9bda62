"""Connections whose clients are slow, endless or deaf. uvicorn bounds none of this by itself.

Every check is made by a timer or a counter that an ordinary request, which comes in one piece, never touches.
"""

import json
from asyncio import AbstractEventLoop, TimerHandle, Transport
from typing import Any

from crontopus_api.kit.http.express import ExpressConnection


class Corked:
    """A transport whose small writes of one pass of the loop go out as one: the head of an answer and its body are two
    writes, and each system call, with the reader it wakes up, costs more than all the rest of a short answer."""

    most_held_bytes = 64 << 10

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []
        self._bytes = 0
        self.get_extra_info = transport.get_extra_info
        self.pause_reading, self.resume_reading = transport.pause_reading, transport.resume_reading
        self.is_closing, self.abort = transport.is_closing, transport.abort

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)
        self._bytes += len(data)
        if self._bytes > self.most_held_bytes:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held and not self.is_closing():
            held, self._held, self._bytes = self._held, [], 0
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))


class GuardedConnection(ExpressConnection):
    """One client's connection. The bounds are attributes, so that tests need not wait."""

    most_address_bytes = 8 << 10
    most_head_bytes = 32 << 10
    most_headers = 100
    head_seconds = 15.0
    # For so long a body may come with fewer bytes a second than these.
    body_seconds = 20.0
    body_bytes_per_second = 500
    look_seconds = 5.0
    # How long an answer may wait for a client that does not read it.
    deaf_seconds = 60.0
    # What is read and thrown away of a body whose request has been answered, so that the client can read the answer.
    most_thrown_away = 64 << 20

    transport: Transport
    _head_timer: TimerHandle | None = None
    _body_timer: TimerHandle | None = None
    _deaf_timer: TimerHandle | None = None
    _in_head = True
    _in_body = False
    _head_bytes = 0
    _body_bytes = 0
    _looked_bytes = 0
    _patience = 0.0
    _refusal: tuple[int, str] | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(Corked(transport, self.loop))  # type: ignore[arg-type]
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._head_timer, self._body_timer, self._deaf_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            # What has not yet become headers: an address, name or value that does not end.
            self._head_bytes += len(data)
            if self._head_bytes > self.most_head_bytes + self.most_address_bytes:
                self._refuse(431, "The request's headers are too large.")
            elif self._head_timer is None:
                self._await_head()
        elif self._in_body and self._body_timer is None:
            self._patience, self._looked_bytes = self.body_seconds, self._body_bytes
            self._body_timer = self.loop.call_later(self.look_seconds, self._look_at_body)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body, self._body_bytes = False, True, 0
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        if len(self.url) > self.most_address_bytes:
            self._refusal = (414, "The address is too long.")
            raise ValueError(self._refusal)
        size = sum([len(name) + len(value) for name, value in self.headers])
        if size > self.most_head_bytes or len(self.headers) > self.most_headers:
            self._refusal = (431, "The request's headers are too large or too many.")
            raise ValueError(self._refusal)
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Called for what the parser does not take, our own refusals among it."""
        self._refuse(*(self._refusal or (400, msg)))

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        self._body_bytes += len(body)
        if self._body_bytes > self.most_thrown_away and self.cycle.response_complete:
            self.transport.close()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_body = False
        if self._body_timer is not None:
            self._body_timer.cancel()
            self._body_timer = None

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._deaf_timer is None:
            self._deaf_timer = self.loop.call_later(self.deaf_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        if self._deaf_timer is not None:
            self._deaf_timer.cancel()
            self._deaf_timer = None
        super().resume_writing()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        if self.scope is None and not self._head_bytes:
            self.transport.close()  # it has said nothing: nothing is answered
        else:
            self._refuse(408, "The request's headers did not arrive in time.")

    def _look_at_body(self) -> None:
        came = self._body_bytes - self._looked_bytes
        self._looked_bytes = self._body_bytes
        # Reading is paused when it is us who are slow: a push that waits for the disk, say.
        fast = came >= self.body_bytes_per_second * self.look_seconds or self.flow.read_paused
        self._patience = self.body_seconds if fast else self._patience - self.look_seconds
        if self._patience > 0:
            self._body_timer = self.loop.call_later(self.look_seconds, self._look_at_body)
        elif self.cycle.response_complete:
            self.transport.close()
        else:
            self._refuse(408, "The request's body did not arrive in time.")

    def _refuse(self, status: int, detail: str) -> None:
        """Say it without asking the application, which may have nothing of the request yet."""
        if self.transport.is_closing():
            return
        if self.pipeline or (self.cycle and self.cycle.response_started and not self.cycle.response_complete):
            self.transport.close()  # in the middle of another answer nothing can be said
            return
        title = {400: "Malformed", 408: "Too slow", 414: "Too long"}.get(status, "Too large")
        code = {400: "malformed", 408: "too_slow", 414: "address_too_long"}.get(status, "headers_too_large")
        problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
