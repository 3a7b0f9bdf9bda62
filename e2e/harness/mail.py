"""A real SMTP server that keeps what it is given."""

import asyncio
import threading
import time
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from harness.ports import free_port
from harness.waiting import eventually


@dataclass(frozen=True)
class Letter:
    to: str
    arrived_at: float
    """Unix time."""
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        plain = self.message.get_body(("plain",))
        assert plain is not None
        return str(plain.get_content())


class MailSink:
    def __init__(self) -> None:
        self.port = free_port()
        self._letters: list[Letter] = []
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()
        self.held = 0
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self.release()
        self._controller.stop(no_assert=True)

    def hold(self) -> None:
        """From now on conversations stay open, neither accepted nor refused, until `release`."""
        self.held = 0
        self._open.clear()

    def release(self) -> None:
        """Accept letters again. Those held meanwhile were not accepted."""
        self._open.set()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if not self._open.is_set():
            self.held += 1
            await asyncio.to_thread(self._open.wait)
            return "451 come back later"
        content: Any = envelope.content
        message = message_from_bytes(content, policy=default)
        with self._lock:
            self._letters += [Letter(to, time.time(), message) for to in envelope.rcpt_tos]
        return "250 kept"

    def to(self, address: str) -> list[Letter]:
        with self._lock:
            return [letter for letter in self._letters if letter.to == address]

    def await_letter(self, address: str, subject: str, *, within: float) -> Letter:
        """The first letter to `address` whose subject holds `subject`."""
        return eventually(
            lambda: next((each for each in self.to(address) if subject in each.subject), None),
            f"a letter {subject!r} to {address}; there are {[each.subject for each in self.to(address)]}",
            within=within,
        )
