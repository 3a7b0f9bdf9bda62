"""Logging in and out, where tokens are kept, and whom they are sent to."""

import json
import sys
from pathlib import Path

import pytest
from cli_tests.fake_server import PASSWORD, USER_TOKEN, FakeServer, serving
from cli_tests.running import Crontopus, script

MEMORY_KEYRING = """
import json, pathlib
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 1
    path = pathlib.Path(__file__).with_suffix(".json")

    def _all(self):
        return json.loads(self.path.read_text()) if self.path.exists() else {}

    def get_password(self, service, username):
        return self._all().get(f"{service} {username}")

    def set_password(self, service, username, password):
        self.path.write_text(json.dumps({**self._all(), f"{service} {username}": password}))

    def delete_password(self, service, username):
        kept = {k: v for k, v in self._all().items() if k != f"{service} {username}"}
        self.path.write_text(json.dumps(kept))
"""


def log_in(crontopus: Crontopus, server: FakeServer) -> None:
    result = crontopus(
        "login", "--server", server.url, "-u", "ada", "--password-stdin", stdin=f"{PASSWORD}\n"
    )
    assert result.code == 0, result.err


def test_a_wrong_password_is_exit_3_and_stores_nothing(crontopus: Crontopus, server: FakeServer) -> None:
    result = crontopus("login", "--server", server.url, "-u", "ada", "--password-stdin", stdin="wrong\n")

    assert (result.code, result.out) == (3, "")
    assert "user name or password is wrong" in result.err
    assert crontopus("whoami").code == 3


def test_a_token_is_checked_before_it_is_kept(crontopus: Crontopus, server: FakeServer) -> None:
    assert crontopus("login", "--server", server.url, "--token", "ctp_user_wrong").code == 3
    assert crontopus("whoami").code == 3

    assert crontopus("login", "--server", server.url, "--token", "-", stdin=f"{USER_TOKEN}\n").code == 0
    assert crontopus("whoami").code == 0


def test_log_out_revokes_only_a_token_that_log_in_made(crontopus: Crontopus, server: FakeServer) -> None:
    crontopus("login", "--server", server.url, "--token", USER_TOKEN)
    assert crontopus("logout").code == 0
    assert USER_TOKEN in server.tokens

    log_in(crontopus, server)
    assert len(server.tokens) == 2
    assert crontopus("logout").code == 0
    assert server.tokens == {USER_TOKEN}
    assert crontopus("logout").code == 0


def test_logging_in_again_revokes_the_token_before(crontopus: Crontopus, server: FakeServer) -> None:
    log_in(crontopus, server)
    log_in(crontopus, server)

    assert len(server.tokens) == 2  # the fixed one and the newest


def test_log_out_without_the_server_forgets_and_says_the_token_lives(crontopus: Crontopus) -> None:
    with serving() as server:
        log_in(crontopus, server)

    result = crontopus("logout")

    assert result.code == 1
    assert "could not be revoked" in result.err
    assert crontopus("whoami").code == 3


def test_a_token_is_sent_only_to_the_server_it_is_for(
    crontopus: Crontopus, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(crontopus, server)
    with serving() as other:
        monkeypatch.setenv("CRONTOPUS_SERVER", other.url)

        result = crontopus("whoami")

        assert result.code == 3
        assert f"not logged in to {other.url}" in result.err
        assert other.requests == []


def test_the_environment_goes_before_the_stored_log_in(
    crontopus: Crontopus, server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log_in(crontopus, server)
    monkeypatch.setenv("CRONTOPUS_TOKEN", "ctp_user_wrong")
    assert crontopus("whoami").code == 3

    monkeypatch.delenv("CRONTOPUS_TOKEN")
    (tmp_path / "token").write_text(f"{USER_TOKEN}\n")
    monkeypatch.setenv("CRONTOPUS_TOKEN_FILE", str(tmp_path / "token"))
    server.tokens = {USER_TOKEN}
    assert crontopus("whoami").code == 0


def test_the_keyring_is_used_where_there_is_one(server: FakeServer, tmp_path: Path) -> None:
    (tmp_path / "memory_keyring.py").write_text(MEMORY_KEYRING)
    environment = {"PYTHON_KEYRING_BACKEND": "memory_keyring.Keyring", "PYTHONPATH": str(tmp_path)}

    result = script("login", "--server", server.url, "--token", USER_TOKEN, **environment)

    assert "the system keyring" in result.err, result.err
    assert USER_TOKEN not in (tmp_path / "config/crontopus/cli.json").read_text()
    assert USER_TOKEN in (tmp_path / "memory_keyring.json").read_text()
    assert script("whoami", **environment).code == 0
    assert script("logout", **environment).code == 0
    assert json.loads((tmp_path / "memory_keyring.json").read_text()) == {}


def test_a_keyring_that_keeps_nothing_is_not_trusted(server: FakeServer) -> None:
    null = "keyring.backends.null.Keyring"

    assert (
        script("login", "--server", server.url, "--token", USER_TOKEN, PYTHON_KEYRING_BACKEND=null).code == 0
    )
    assert script("whoami", PYTHON_KEYRING_BACKEND=null).code == 0


def test_a_damaged_configuration_file_is_named(crontopus: Crontopus, tmp_path: Path) -> None:
    path = tmp_path / "config/crontopus/cli.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")

    result = crontopus("whoami")

    assert result.code == 1
    assert str(path) in result.err
    assert "delete it" in result.err


@pytest.mark.skipif(sys.platform == "win32", reason="a file in the way behaves differently there")
def test_a_configuration_directory_that_cannot_be_written_is_named(
    crontopus: Crontopus, server: FakeServer, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("a file where the directory should be")

    result = crontopus("login", "--server", server.url, "--token", USER_TOKEN)

    assert result.code == 1
    assert "cli.json" in result.err
    assert "CRONTOPUS_TOKEN" in result.err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("crontopus.example.com", "https://crontopus.example.com"),
        ("localhost:8000", "http://localhost:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("https://Example.com/api/v1/", "https://example.com"),
        ("https://example.com/crontopus/", "https://example.com/crontopus"),
    ],
)
def test_addresses_as_people_type_them(typed: str, meant: str) -> None:
    from crontopus_cli.config import normalise_server

    assert normalise_server(typed) == meant
