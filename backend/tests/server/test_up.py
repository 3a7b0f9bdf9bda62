"""`crontopus-server up` as a process: real PostgreSQL, real signals, stand-ins for API and worker."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest

from crontopus_api.server.postgres import EmbeddedPostgres

from ..postgres import service_url
from .processes import (
    AS_ROOT_AND_AS_USER,
    ORDINARY,
    Server,
    alive,
    environment_for,
    eventually,
    free_port,
    needs_root,
    processes_with,
    scratch,
)

RUNNING = "Crontopus is running at"
Start = Callable[..., Server]


def fetch(port: int, path: str = "/readyz") -> str:
    with suppress(OSError), urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return str(answer.read().decode())
    return ""


@pytest.fixture
def data() -> Iterator[Path]:
    with scratch() as made:
        yield made


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def start(data: Path, port: int, tmp_path: Path) -> Iterator[Start]:
    """Starts `crontopus-server …`; at the end everything that was started on this data directory is gone."""
    started: list[Server] = []

    def begin(*arguments: str, home: Path = data, user: str | None = None, **more: str) -> Server:
        environment = environment_for(home, port) | more
        server = Server(list(arguments or ("up",)), environment, tmp_path / f"log-{len(started)}", user)
        started.append(server)
        return server

    yield begin
    for server in started:
        if server.process.poll() is None:
            server.send(signal.SIGKILL)
            server.ends()
    EmbeddedPostgres(data / "postgres").stop()


def gone(data: Path) -> None:
    eventually(lambda: not processes_with(str(data)), f"no process of {data} is left")
    assert not EmbeddedPostgres(data / "postgres").running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_runs_everything_and_a_signal_stops_everything(
    start: Start, data: Path, port: int, number: signal.Signals
) -> None:
    server = start()
    server.says(RUNNING)
    assert f"http://127.0.0.1:{port}" in server.output
    assert "//crontopus_service@" in fetch(port)  # what it serves with owns nothing
    with psycopg.connect(EmbeddedPostgres(data / "postgres").url) as connection:
        connection.execute("SELECT 1 FROM tenants")  # migrated
        connection.execute("CREATE TABLE kept ()")
    server.send(number)
    assert server.ends() == 0, server.output
    assert "Stopped. Your data is kept." in server.output
    gone(data)

    began = time.monotonic()
    again = start()
    again.says(RUNNING)
    # Ten seconds of a machine of our own; where others compete for the processors it takes that much longer.
    crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert time.monotonic() - began < 10 * crowd
    with psycopg.connect(EmbeddedPostgres(data / "postgres").url) as connection:
        connection.execute("SELECT FROM kept")


@needs_root
def test_runs_as_an_ordinary_user(start: Start, port: int) -> None:
    with scratch(ORDINARY) as home:
        server = start(home=home, user=ORDINARY)
        server.says(RUNNING)
        owner = Path(f"/proc/{EmbeddedPostgres(home / 'postgres').pid}").stat().st_uid
        assert owner == home.stat().st_uid
        server.send(signal.SIGTERM)
        assert server.ends() == 0
        gone(home)


def test_a_second_one_says_who_runs(start: Start, port: int) -> None:
    first = start()
    first.says(RUNNING)
    second = start()
    assert second.ends() == 1
    [line] = second.output.splitlines()
    assert "already running on" in line
    assert f"process {first.process.pid}, http://127.0.0.1:{port}" in line
    assert "Traceback" not in second.output
    assert fetch(port)


def test_kill_9_of_the_supervisor_takes_its_children_and_the_next_start_works(
    start: Start, data: Path, port: int
) -> None:
    server = start()
    server.says(RUNNING)
    with psycopg.connect(EmbeddedPostgres(data / "postgres").url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept ()")
    children = [server.pid_of("api"), server.pid_of("worker")]
    server.send(signal.SIGKILL)
    assert server.ends() == -signal.SIGKILL
    eventually(lambda: not any(map(alive, children)), "children die with their supervisor")

    again = start()
    again.says(RUNNING)
    with psycopg.connect(EmbeddedPostgres(data / "postgres").url) as connection:
        connection.execute("SELECT FROM kept")
    again.send(signal.SIGTERM)
    assert again.ends() == 0
    gone(data)


@pytest.mark.parametrize("name", ["api", "worker"])
def test_a_child_that_dies_is_started_again(start: Start, port: int, name: str) -> None:
    server = start()
    server.says(RUNNING)
    victim = server.pid_of(name)
    os.kill(victim, signal.SIGKILL)
    server.says(f"{name} │ ended with signal SIGKILL; starting it again in 1 s")
    eventually(lambda: server.pid_of(name) != victim, f"a new {name}")
    eventually(lambda: fetch(port), "the API answers")


def test_postgresql_that_dies_is_started_again(start: Start, data: Path, port: int) -> None:
    server = start()
    server.says(RUNNING)
    postgres = EmbeddedPostgres(data / "postgres")
    victim = postgres.pid
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    server.says("postgres │ is gone; starting it again")
    eventually(lambda: postgres.pid not in {None, victim}, "a new PostgreSQL")
    server.send(signal.SIGTERM)
    assert server.ends() == 0
    gone(data)


def test_a_child_that_does_not_listen_is_killed(start: Start, data: Path) -> None:
    server = start(STAND_IN_WORKER_STUBBORN="1")
    server.says(RUNNING)
    server.pid_of("worker")  # it ignores SIGTERM from here on
    server.send(signal.SIGTERM)
    assert server.ends() == 0
    assert "worker │ did not end within 1 s and is killed" in server.output
    gone(data)


def test_an_api_that_never_starts_ends_it_all(start: Start, data: Path) -> None:
    server = start(STAND_IN_API_FAILS="1")
    assert server.ends() == 1
    assert "api │ no such table: everything" in server.output
    assert server.output.splitlines()[-1].startswith(
        "crontopus-server: Crontopus does not start: its api process"
    )
    gone(data)


def test_a_configured_database_is_used(start: Start, data: Path, port: int, database_url: str) -> None:
    server = start(CRONTOPUS_DATABASE_URL=database_url)
    server.says(RUNNING)
    assert fetch(port) == database_url
    assert not (data / "postgres").exists()
    server.send(signal.SIGTERM)
    assert server.ends() == 0


def test_the_owners_address_is_for_migrations_alone(start: Start, port: int, database_url: str) -> None:
    serving = service_url(database_url)
    server = start(CRONTOPUS_DATABASE_URL=serving, CRONTOPUS_DATABASE_OWNER_URL=database_url)
    server.says(RUNNING)  # migrated: nobody but the owner could
    assert fetch(port) == serving
    environment = Path(f"/proc/{server.pid_of('api')}/environ").read_bytes()
    assert b"CRONTOPUS_DATABASE_OWNER_URL" not in environment


def complaint(server: Server, code: int = 1) -> str:
    """The one line that a failed start ends with."""
    assert server.ends() == code, server.output
    assert "Traceback" not in server.output
    lines = [line for line in server.output.splitlines() if not line.startswith("✓")]
    assert len(lines) == 1, server.output
    return lines[0]


def test_port_taken(start: Start, data: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        line = complaint(start())
    assert f"Port {port} on 127.0.0.1 cannot be used" in line
    assert "CRONTOPUS_PORT" in line


def test_no_git(start: Start) -> None:
    assert "git is needed and is not on PATH" in complaint(start(PATH="/nonexistent"))


def test_old_git(start: Start, tmp_path: Path) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.11.0\n")
    old.chmod(0o755)
    assert "Git 2.38 or newer is needed" in complaint(start(PATH=f"{tmp_path}:/usr/bin:/bin"))


@pytest.mark.parametrize("user", AS_ROOT_AND_AS_USER)
def test_unwritable_data_directory(start: Start, tmp_path: Path, user: str | None) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    line = complaint(start(home=in_the_way / "data", user=user))
    assert f"The data directory {in_the_way / 'data'} cannot be written by user" in line
    assert "CRONTOPUS_DATA_DIR" in line


def test_wrong_setting(start: Start) -> None:
    assert "CRONTOPUS_PORT" in complaint(start(CRONTOPUS_PORT="http"), code=2)


def test_unreachable_database(start: Start) -> None:
    line = complaint(start(CRONTOPUS_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing"))
    assert "CRONTOPUS_DATABASE_URL" in line
    assert "refused" in line
