"""A real SMTP server's memory."""

import email
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Sink:
    """`refuse`: what it answers instead of taking a message. `unknown`: addresses it has never heard of."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refuse: str | None = None
        self.unknown: set[str] = set()
        self.port = 0
        self._came = threading.Condition()

    def await_count(self, count: int) -> None:
        """Return when so many messages have come. Of a thread of its own."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.messages) >= count, 180), self.messages

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: Any) -> str:
        if address in self.unknown:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        if self.refuse is not None:
            return self.refuse
        assert isinstance(envelope.content, bytes)
        with self._came:
            self.messages.append(email.message_from_bytes(envelope.content))
            self._came.notify_all()
        return "250 OK, taken"


@contextmanager
def running_sink(**options: Any) -> Iterator[Sink]:
    """`options`: of aiosmtpd's server."""
    memory = Sink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        memory.port = probe.getsockname()[1]
    controller = Controller(memory, hostname="127.0.0.1", port=memory.port, **options)
    controller.start()
    try:
        yield memory
    finally:
        controller.stop()


def part(message: Message, kind: str) -> str:
    """The text of the part of that type."""
    found = next(each for each in message.walk() if each.get_content_type() == kind)
    payload = found.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()
