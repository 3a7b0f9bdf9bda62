"""A mail server, the worker's part in sending, and people at a browser."""

import email
import email.policy
import re
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from crontopus_api.worker.main import queue_app

from ..platform import PASSWORD, Platform, running_platform


@dataclass
class Mailbox:
    """A real SMTP server's memory."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    refused: str | None = None
    """An address for which nothing is taken."""

    async def handle_RCPT(
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]
    ) -> str:
        if address == self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"

    def take(self, address: str) -> list[tuple[str, str]]:
        """(subject, text) of what has come for the address; it is taken out."""
        mine = [each for each in self.messages if each["To"] == address]
        self.messages = [each for each in self.messages if each["To"] != address]
        return [(str(each["Subject"]).removeprefix("[Crontopus] "), each.get_content()) for each in mine]


def link_token(text: str) -> str:
    found = re.search(r"\?token=(\S+)", text)
    assert found is not None, text
    return found[1]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    memory = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        memory.port = probe.getsockname()[1]
    controller = Controller(memory, hostname="127.0.0.1", port=memory.port)
    controller.start()
    yield memory
    controller.stop()


@pytest.fixture
async def mailed(database_url: str, tmp_path: Path, mailbox: Mailbox) -> AsyncIterator[Platform]:
    """A platform that sends email, and therefore verifies addresses."""
    smtp = f"smtp://127.0.0.1:{mailbox.port}"
    async with running_platform(database_url, tmp_path / "data", smtp_url=smtp) as running:
        yield running


async def deliver(platform: Platform) -> None:
    """What a worker does, until nothing waits any more."""
    app = queue_app(platform.services)
    async with app.open_async():
        await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)


@dataclass
class Browser:
    """Somebody at a browser: `api` keeps the cookie."""

    api: httpx.AsyncClient

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.api.post(f"/api/v1/auth{path}", json=body)

    async def get(self, path: str) -> Any:
        answer = await self.api.get(f"/api/v1/auth{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def delete(self, path: str, **body: Any) -> httpx.Response:
        return await self.api.request("DELETE", f"/api/v1/auth{path}", json=body or None)

    async def login(self, login: str, password: str = PASSWORD, **more: Any) -> httpx.Response:
        return await self.post("/login", login=login, password=password, **more)

    async def register(self, username: str, **more: Any) -> httpx.Response:
        body = {"username": username, "email": f"{username}@example.org", "password": PASSWORD}
        return await self.post("/register", **(body | more))

    async def signed_in(self) -> bool:
        return (await self.api.get("/api/v1/auth/me")).status_code == 200


def browser(
    platform: Platform,
    agent: str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
    address: str = "192.0.2.9",
) -> Browser:
    client = platform.client(address=address)
    client.headers["User-Agent"] = agent
    return Browser(client)


async def signed_in(platform: Platform, username: str) -> Browser:
    """Somebody registered (where addresses are not verified) and signed in at a browser."""
    person = browser(platform)
    answer = await person.register(username)
    assert answer.status_code == 201, answer.text
    return person
