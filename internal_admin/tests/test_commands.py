"""`crontopus-server operator …` and the start of `crontopus-admin`, as a person at a terminal meets them."""

import asyncio
import io
import logging
import os
import pty
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from backend.tests.postgres import Cluster

from crontopus_admin import main as admin
from crontopus_api.composition import Services
from crontopus_api.server import cli
from crontopus_api.settings import get_settings

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Runs the command line: exit code, standard output, standard error."""
    monkeypatch.setenv("CRONTOPUS_DATABASE_URL", database_url)
    monkeypatch.setenv("CRONTOPUS_DATA_DIR", str(tmp_path))

    def run(*words: str, stdin: str = "", entry: Callable[[], None] = cli.run) -> tuple[int, str, str]:
        get_settings.cache_clear()
        monkeypatch.setattr(sys, "argv", ["crontopus-server", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            entry()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    root = logging.getLogger()
    handlers, level, on_term = root.handlers, root.level, signal.getsignal(signal.SIGTERM)
    yield run
    root.handlers, root.level = handlers, level  # `crontopus-admin` sets up its own
    signal.signal(signal.SIGTERM, on_term)
    get_settings.cache_clear()


def create(command: Command, name: str = "olga", password: str = "a good password\n") -> tuple[int, str, str]:
    return command("operator", "create", name, "--password-file", "-", stdin=password)


async def signs_in(services: Services, name: str, password: str) -> bool:
    return (await services.operators.sign_in(username=name, password=password)).username == name


def test_create_list_disable(command: Command, services: Services) -> None:
    assert create(command) == (0, "Operator olga may sign in to the internal admin.\n", "")
    assert asyncio.run(signs_in(services, "olga", "a good password"))
    code, out, _ = command("operator", "list")
    assert code == 0
    assert out.splitlines()[1].split()[0] == "olga"
    assert "argon2" not in out
    assert command("operator", "disable", "olga")[0] == 0
    assert command("operator", "disable", "olga") == (
        1,
        "",
        "crontopus-server: There is no active operator olga.\n",
    )


@pytest.mark.parametrize(
    ("name", "password", "words"),
    [
        ("olga", "short\n", "The password must have 10 to 200 characters."),
        ("olga", "x" * 201, "The password must have 10 to 200 characters."),
        ("Ol ga", "a good password", "The name must be 2 to 40 lower-case letters"),
        ("o", "a good password", "The name must be 2 to 40 lower-case letters"),
    ],
)
def test_what_will_not_do_is_one_line(command: Command, name: str, password: str, words: str) -> None:
    code, out, err = create(command, name, password)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"crontopus-server: {words}")


def test_a_name_is_given_once(command: Command) -> None:
    create(command)
    assert create(command)[2] == "crontopus-server: There is an operator olga already.\n"


def test_no_terminal_and_no_file(command: Command) -> None:
    code, _, err = command("operator", "create", "olga")
    assert code == 1
    assert "--password-file" in err
    code, _, err = command("operator", "create", "olga", "--password-file", "/no/such/file")
    assert (code, err) == (
        1,
        "crontopus-server: The password file /no/such/file cannot be read: No such file or directory.\n",
    )


@pytest.mark.parametrize(("again", "code"), [("a good password", 0), ("another password", 1)])
def test_a_terminal_is_asked_twice(database_url: str, tmp_path: Path, again: str, code: int) -> None:
    environment = {**os.environ, "CRONTOPUS_DATABASE_URL": database_url, "CRONTOPUS_DATA_DIR": str(tmp_path)}
    words = [sys.executable, "-m", "crontopus_api.server", "operator", "create", "olga"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(words[0], words, environment)
    said = b""
    for prompt, answer in ((b"Password: ", "a good password"), (b"Again: ", again)):
        while prompt not in said:
            said += os.read(terminal, 1024)
        os.write(terminal, f"{answer}\n".encode())
    try:
        while chunk := os.read(terminal, 1024):
            said += chunk
    except OSError:
        pass  # how Linux reports that the other side of the terminal has closed
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code
    assert b"a good password" not in said, "a password is not shown"
    assert (b"The two passwords differ" in said) == (code == 1)


def test_a_database_without_a_schema(
    command: Command, postgres_cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = postgres_cluster.create(migrated=False)
    monkeypatch.setenv("CRONTOPUS_DATABASE_URL", postgres_cluster.url(name))
    monkeypatch.setenv("CRONTOPUS_ADMIN_PORT", str(free_port()))
    for entry in (cli.run, admin.main):
        code, _, err = command("operator", "list", entry=entry)
        assert code == 1
        assert err.endswith(
            ": The database has no schema yet, or an older one. Run `crontopus-server migrate` first.\n"
        )
    postgres_cluster.drop(name)


def test_the_admins_port_is_taken(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("CRONTOPUS_ADMIN_PORT", str(taken.getsockname()[1]))
        code, _, err = command(entry=admin.main)
    assert (code, err.count("\n")) == (1, 1)
    assert "CRONTOPUS_ADMIN_PORT" in err


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def test_who_has_no_second_factor_needs_no_reset(command: Command) -> None:
    assert command("account", "reset-second-factor", "ada") == (
        1,
        "",
        "crontopus-server: There is no account ada.\n",
    )
