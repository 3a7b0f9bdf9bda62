"""Every test has its own configuration directory, no keyring, and a server on a free port."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

sys.path.insert(0, str(Path(__file__).parent))  # pytest's importlib mode leaves the path alone

import cli_tests.fake_changes  # noqa: F401 - its routes join the server's
from cli_tests.fake_server import USER_TOKEN, FakeServer, serving
from cli_tests.running import Crontopus


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
