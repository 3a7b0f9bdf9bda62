"""Several people in one tenant."""

import email
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from psycopg.rows import dict_row

from crontopus_api.identity.scopes import BY_ROLE
from crontopus_api.worker.main import queue_app

from ..platform import Person, Platform, running_platform


class Sink:
    """A real SMTP server's memory."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.refuse = False
        self.port = 0

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        if self.refuse:
            return "451 try again later"
        assert isinstance(envelope.content, bytes)
        self.messages.append(email.message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def sink() -> Iterator[Sink]:
    memory = Sink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        memory.port = probe.getsockname()[1]
    controller = Controller(memory, hostname="127.0.0.1", port=memory.port)
    controller.start()
    yield memory
    controller.stop()


@pytest.fixture
async def mailing(database_url: str, tmp_path: Path, sink: Sink) -> AsyncIterator[Platform]:
    """A platform with a mail server."""
    url = f"smtp://127.0.0.1:{sink.port}"
    async with running_platform(database_url, tmp_path / "data", smtp_url=url) as running:
        yield running


async def work(platform: Platform) -> None:
    """What is queued, done by a real worker."""
    async with queue_app(platform.services).open_async() as app:
        await app.run_worker_async(wait=False, install_signal_handlers=False)


def link_token(url: str) -> str:
    return url.split("token=")[1].split()[0]


def audited(database_url: str, person: Person, action: str) -> list[dict[str, Any]]:
    """The entries of a tenant's log, oldest first; as a superuser would read them."""
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.execute("SET ROLE crontopus_scanner")
        return connection.execute(
            "SELECT * FROM audit_log WHERE tenant_id = %s AND action = %s ORDER BY id",
            (person.tenant_id, action),
        ).fetchall()


async def invite(platform: Platform, owner: Person, email: str, role: str) -> str:
    """The token of a fresh invitation, on a platform without a mail server."""
    answer = await owner.api.post("/api/v1/invitations", json={"email": email, "role": role})
    assert answer.status_code == 201, answer.text
    return link_token(answer.json()["link"])


async def enter_tenant(platform: Platform, person: Person, owner: Person) -> Person:
    """The person, signed in to the owner's tenant with an API token of everything their role allows."""
    services = platform.services
    tenants = (await person.get("/tenants"))["items"]
    role = next(each["role"] for each in tenants if each["id"] == str(owner.tenant_id))
    me = await person.get("/auth/me")
    async with services.database.tenant(owner.tenant_id) as session:
        issued = await services.tokens.issue(
            session,
            "session",
            tenant_id=owner.tenant_id,
            user_id=UUID(me["user"]["id"]),
            name="browser",
            scopes=BY_ROLE[role],
            life=None,
        )
    return Person(person.username, owner.tenant_id, issued.secret, platform.client(issued.secret))


Join = Callable[[str, str], Awaitable[Person]]


@pytest.fixture
async def join(platform: Platform, ada: Person) -> Join:
    """Register somebody, who accepts an invitation into ada's tenant with a role."""

    async def joined(username: str, role: str) -> Person:
        token = await invite(platform, ada, f"{username}@example.org", role)
        person = await platform.register(username)
        answer = await person.api.post("/api/v1/invitations/accept", json={"token": token})
        assert answer.status_code == 200, answer.text
        return await enter_tenant(platform, person, ada)

    return joined


async def user_id(person: Person) -> str:
    return str((await person.get("/auth/me"))["user"]["id"])
