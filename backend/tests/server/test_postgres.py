"""The embedded PostgreSQL on real servers: starting, joining, stopping, and coming back after kill -9."""

import os
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from crontopus_api.server import postgres_binaries
from crontopus_api.server.accounts import RunAs, account_for
from crontopus_api.server.errors import PostgresError
from crontopus_api.server.postgres import EmbeddedPostgres, ensure_database, using
from crontopus_api.server.postgres_binaries import Binaries, wheel_binaries
from crontopus_api.settings import Settings

from .processes import AS_ROOT_AND_AS_USER, HERE, environment_for, eventually, needs_root, python_for, scratch


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(tmp_path / "postgres")
    yield made
    made.stop()


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return row[0]


@pytest.mark.parametrize("user", AS_ROOT_AND_AS_USER)
def test_life_from_first_start_to_recovery(user: str | None) -> None:
    with scratch(user) as home:
        command = [python_for(user), str(HERE / "lifecycle.py"), str(home / "postgres")]
        group = home.stat().st_gid if user is None else None
        done = subprocess.run(
            command, env=environment_for(home, 1), capture_output=True, text=True, user=user, group=group, check=False
        )  # fmt: skip
    assert "kept everything" in done.stdout, done.stderr


def test_is_durable_private_and_speaks_utf8(server: EmbeddedPostgres) -> None:
    url = server.start()
    assert value(url, "SHOW fsync") == "on"
    assert value(url, "SHOW listen_addresses") == ""
    assert value(url, "SHOW server_encoding") == "UTF8"
    assert value(url, "SELECT datlocale FROM pg_database WHERE datname = current_database()") == "C.UTF-8"
    assert value(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    sockets = Path(str(conninfo_to_dict(url)["host"]))
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.cluster.stat().st_mode) == 0o700
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 5432)) != 0 or value(url, "SELECT inet_server_port()") is None


def test_nothing_is_left_behind_after_stop(server: EmbeddedPostgres) -> None:
    sockets = Path(str(conninfo_to_dict(server.start())["host"]))
    pid = server.pid
    server.stop()
    assert not sockets.exists()
    assert not Path(f"/proc/{pid}").exists()
    server.stop()  # again: nothing to do


def test_directories_deeper_than_a_socket_path_may_be(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-directory-name"] * 6, "postgres")
    server = EmbeddedPostgres(deep)
    assert value(server.start(), "SELECT 1") == 1
    server.stop()


def test_a_second_start_joins(server: EmbeddedPostgres) -> None:
    server.start()
    second = EmbeddedPostgres(server.directory)
    assert second.start() == server.url
    assert second.pid == server.pid


def test_pid_of_another_process_in_a_stale_pid_file(server: EmbeddedPostgres) -> None:
    """After a power loss the recorded pid may belong to anything, even to something of the same account."""
    server.start()
    record = server.cluster / "postmaster.pid"
    lines = record.read_text().splitlines()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    eventually(lambda: not server.running, "the killed server is gone")
    owner = account_for(server.cluster)
    identity = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner.drop else {}
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, cwd="/", **identity) as other:
        record.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        assert not server.running
        assert value(server.start(), "SELECT 1") == 1
        assert other.poll() is None


def test_the_last_user_stops_it(server: EmbeddedPostgres) -> None:
    first, second = using(server), using(EmbeddedPostgres(server.directory))
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert server.running
    second.__exit__(None, None, None)
    assert not server.running


def test_a_killed_user_does_not_keep_it_running(server: EmbeddedPostgres, tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path;"
        "from crontopus_api.server.postgres import EmbeddedPostgres, using;"
        "held = using(EmbeddedPostgres(Path(sys.argv[1]))); held.__enter__(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [python_for(None), "-c", code, str(server.directory)]
    assert (
        subprocess.run(command, env=environment_for(tmp_path, 1), check=False).returncode == -signal.SIGKILL
    )
    orphan = server.pid
    assert orphan is not None
    with using(server):
        assert server.pid == orphan
    assert not server.running


def test_ensure_database(tmp_path: Path) -> None:
    given = Settings(data_dir=tmp_path, database_url="postgresql://somewhere/else")
    with ensure_database(given) as url:
        assert url == "postgresql://somewhere/else"
    assert not (tmp_path / "postgres").exists()
    with ensure_database(Settings(data_dir=tmp_path, database_url=None)) as url:
        assert value(url, "SELECT current_database()") == "crontopus"


def test_a_cluster_of_another_version_is_refused_and_kept(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.cluster / "PG_VERSION").write_text("12\n")
    with pytest.raises(PostgresError, match=r"made by PostgreSQL 12, .* Install PostgreSQL 12"):
        server.start()
    chosen = EmbeddedPostgres(server.directory, binaries=wheel_binaries()[0])
    with pytest.raises(PostgresError, match=r"made by PostgreSQL 12, but the programs in .* are version 18"):
        chosen.start()
    (server.cluster / "PG_VERSION").write_text("18\n")
    assert value(server.start(), "SELECT 1") == 1


def test_an_interrupted_initdb_leaves_no_half_cluster(server: EmbeddedPostgres) -> None:
    partial = server.directory / "data.new"
    partial.mkdir(parents=True)
    (partial / "PG_VERSION").write_text("18\n")
    assert value(server.start(), "SELECT 1") == 1


def test_a_directory_that_is_no_cluster_is_not_touched(server: EmbeddedPostgres) -> None:
    server.cluster.mkdir(parents=True)
    (server.cluster / "thesis.txt").write_text("years of work")
    with pytest.raises(PostgresError, match="not a PostgreSQL cluster"):
        server.start()
    assert (server.cluster / "thesis.txt").read_text() == "years of work"


def test_why_it_did_not_start_is_said(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, options={"max_connections": "-7"})
    with pytest.raises(PostgresError, match=r"did not start: .*max_connections"):
        server.start()


@needs_root
def test_programs_out_of_the_accounts_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = wheel_binaries()[0]
    package = original.directory.parents[1]
    hidden = tmp_path / package.name / original.directory.parent.name
    shutil.copytree(original.directory.parent, hidden, symlinks=True, copy_function=os.link)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, tmp_path / libraries.name, copy_function=os.link)
    with scratch() as public:
        public.chmod(0o755)
        monkeypatch.setattr(postgres_binaries, "REACHABLE", public)
        server = EmbeddedPostgres(tmp_path / "postgres", binaries=Binaries(hidden / "bin"))
        assert value(server.start(), "SELECT 1") == 1
        server.stop()
        assert [entry.name.split("-")[0] for entry in public.iterdir()] == ["postgresql"]


@needs_root
def test_root_hands_over_to_an_account_of_its_own(server: EmbeddedPostgres) -> None:
    server.start()
    account = account_for(server.cluster)
    assert account == RunAs(server.cluster.stat().st_uid, server.cluster.stat().st_gid, drop=True)
    assert account.name == "crontopus-db"
    owner = Path(f"/proc/{server.pid}").stat().st_uid
    assert owner == account.uid != 0
