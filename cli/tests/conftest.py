"""Every test has its own configuration directory, no keyring, and a server on a free port."""

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves the path alone

import cli_tests.fake_alerts
import cli_tests.fake_changes
import cli_tests.fake_people  # noqa: F401 - their routes join the server's
from cli_tests.fake_server import USER_TOKEN, FakeServer, serving
from cli_tests.real_server import Ok, register, start
from cli_tests.receiving import Receiver, receiving
from cli_tests.running import LIMIT_SECONDS, Crontopus


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("CRONTOPUS_")]:
        monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("TZ", "UTC")
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serving() as state:
        yield state


@pytest.fixture
def signed_in(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    """The server, with address and token in the environment."""
    monkeypatch.setenv("CRONTOPUS_SERVER", server.url)
    monkeypatch.setenv("CRONTOPUS_TOKEN", USER_TOKEN)
    return server


@pytest.fixture
def crontopus(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Crontopus:
    """Runs the command in this process."""
    return Crontopus(capsys, monkeypatch)


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the real service, for all tests that want it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = start(tmp_path_factory.mktemp("server"), port)
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_SECONDS) == 0


@pytest.fixture
def tenant(address: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The slug of a new tenant, and its owner's name; address and token are in the environment."""
    slug = str(request.node.name).removeprefix("test_").replace("_", "-")[:36].strip("-")
    monkeypatch.setenv("CRONTOPUS_SERVER", address)
    monkeypatch.setenv("CRONTOPUS_TOKEN", register(address, slug))
    return slug


@pytest.fixture
def ok(crontopus: Crontopus, tenant: str) -> Ok:
    """Runs a command that must succeed, in the new tenant."""
    return Ok(crontopus)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Where webhooks go."""
    with receiving() as state:
        yield state
