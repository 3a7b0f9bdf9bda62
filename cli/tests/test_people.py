"""Registering, and exports that go wrong; `test_real_people.py` has what goes well."""

from pathlib import Path

import pytest
from cli_tests.fake_server import FakeServer
from cli_tests.running import Crontopus

from crontopus_cli import words
from crontopus_cli.errors import UsageError
from crontopus_cli.options import invitation_token

REGISTER = ("register", "-u", "ada", "--email", "ada@example.com", "--password-stdin")


def test_a_registration_may_wait_for_the_address(crontopus: Crontopus, server: FakeServer) -> None:
    link = "https://example.com/invitation?token=abc.def"
    result = crontopus(*REGISTER, "--server", server.url, "--invitation", link, stdin="a long password\n")

    assert (result.code, result.out) == (0, "")
    assert "An email is on its way to ada@example.com." in result.err
    body = server.requests[0][2]
    assert isinstance(body, dict)
    assert (body["password"], body["invitation"], body["mode"]) == ("a long password", "abc.def", "token")
    assert crontopus("whoami").code == 3


def test_a_refused_registration_is_exit_3(crontopus: Crontopus, server: FakeServer) -> None:
    arguments = ("register", "-u", "closed", "--email", "a@example.com", "--password-stdin")
    result = crontopus(*arguments, "--server", server.url, stdin="a long password\n")

    assert (result.code, result.out) == (3, "")
    assert result.err.endswith("Error: Nobody can register here.\n")


def test_a_new_password_needs_somebody_to_ask(crontopus: Crontopus, server: FakeServer) -> None:
    assert crontopus(*REGISTER[:-1], "--server", server.url).code == 2
    assert server.requests == []


def test_a_token_goes_with_nothing_else(crontopus: Crontopus, server: FakeServer) -> None:
    for more in (("--code", "1"), ("--tenant", "x"), ("-u", "ada"), ("--password-stdin",)):
        assert crontopus("login", "--server", server.url, "--token", "x", *more).code == 2
    assert server.requests == []


@pytest.mark.parametrize("before", [None, b"an older one"])
def test_an_export_that_is_not_whole_is_not_written(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path, before: bytes | None
) -> None:
    directory = tmp_path / "exports"
    directory.mkdir()
    if before:
        (directory / "a.zip").write_bytes(before)

    result = crontopus("tenants", "export", str(directory / "a.zip"), "--force")

    assert (result.code, result.out) == (1, "")
    assert "ended before it was whole" in result.err
    assert [file.read_bytes() for file in directory.iterdir()] == ([before] if before else [])
    assert signed_in.requests


def test_an_export_asks_for_nothing_when_it_cannot_be_written(
    crontopus: Crontopus, signed_in: FakeServer, tmp_path: Path
) -> None:
    (tmp_path / "a.zip").touch()

    assert "--force" in crontopus("tenants", "export", str(tmp_path / "a.zip")).err
    assert "cannot write" in crontopus("tenants", "export", str(tmp_path / "nowhere" / "a.zip")).err
    assert signed_in.requests == []


@pytest.mark.parametrize("link", ["https://example.com/invitation", "https://example.com/?token="])
def test_a_link_without_a_token(link: str) -> None:
    with pytest.raises(UsageError):
        invitation_token(link)


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (999_999, "1 MB"), (5_000_000_000, "5 GB")],
)
def test_sizes(count: int, shown: str) -> None:
    assert words.size(count) == shown
