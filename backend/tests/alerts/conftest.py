"""A platform whose messages reach a mail server and web servers on this machine."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crontopus_api.alerts import folding

from ..platform import Platform, running_platform
from .mail import Sink, running_sink
from .receiver import Receiver, Reply, running


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as memory:
        yield memory


@pytest.fixture
async def platform(database_url: str, tmp_path: Path, sink: Sink) -> AsyncIterator[Platform]:
    settings = {
        "smtp_url": f"smtp://127.0.0.1:{sink.port}",
        "email_verification": "off",
        "outbound_allow": "127.0.0.0/8",
    }
    async with running_platform(database_url, tmp_path / "data", **settings) as running_one:
        yield running_one


@pytest.fixture
async def hook() -> AsyncIterator[Receiver]:
    """Takes everything, as a webhook of the tenant's own."""
    async with running(Receiver(lambda _: Reply(), {"/hook": "webhook.json"})) as receiver:
        yield receiver


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many jobs fail at once, each is news of its own: what becomes of much news is looked at."""
    monkeypatch.setattr(folding, "LEAST", 10**9)
