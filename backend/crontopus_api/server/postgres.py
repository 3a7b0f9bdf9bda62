"""The embedded PostgreSQL: a private server below the data directory, reached through a Unix socket only.

Layout of `settings.postgres_dir`: `data/` the cluster, `postgres.log`, `socket` (the path of the socket's
directory: Unix sockets must have short paths, data directories may be deep), `lock` (held while somebody
starts or stops the server) and `users` (held shared by everybody who needs it: the last one stops it).
"""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from crontopus_api.server.accounts import RunAs, account_for
from crontopus_api.server.errors import PostgresError
from crontopus_api.server.locks import FileLock, exclusive
from crontopus_api.server.postgres_binaries import Binaries, find_binaries
from crontopus_api.server.waiting import wait_until
from crontopus_api.settings import Settings

DATABASE = "crontopus"
OWNER = "crontopus"  # owns the database; no superuser, so that the embedded server has production's limits
SERVICE = "crontopus_service"  # owns nothing; migration 0015 says what it may do
SUPERUSER = "postgres"
SOCKET_PARENT = Path("/tmp")  # noqa: S108 - short and reachable for every account; a private 0700 directory is made in it
SOCKET_PREFIX = "crontopus-pg-"
START_TIMEOUT_SECONDS = 180  # crash recovery replays up to max_wal_size
# Fast shutdown writes a checkpoint; the others leave recovery to the next start.
STOP_SIGNALS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
LOG_KEPT_BYTES = 8 * 1024 * 1024
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",  # part of the socket's name only
    "max_connections": "100",
    "shared_buffers": "128MB",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "jit": "off",  # compiles longer than our short queries run
}


@dataclass(frozen=True)
class Postmaster:
    """What `postmaster.pid` says about the server that wrote it."""

    pid: int
    socket_dir: Path
    ready: bool


class EmbeddedPostgres:
    """One cluster in a directory. Safe against concurrent use by several processes.

    `options` override server settings (tests turn fsync off). Errors: PostgresError.
    """

    def __init__(
        self, directory: Path, *, binaries: Binaries | None = None, options: Mapping[str, str] | None = None
    ) -> None:
        self.directory = directory.absolute()
        self.cluster = self.directory / "data"
        self.log = self.directory / "postgres.log"
        self._binaries = binaries
        self._options = {**OPTIONS, **(options or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._live() is not None

    @property
    def pid(self) -> int | None:
        """Process id of the running server."""
        live = self._live()
        return live.pid if live else None

    @property
    def url(self) -> str:
        """The application's database, as the role that owns it: for migrations."""
        return self._url(OWNER, DATABASE)

    @property
    def service_url(self) -> str:
        """The same as the role that serves: it owns nothing."""
        return self._url(SERVICE, DATABASE)

    @property
    def admin_url(self) -> str:
        """The maintenance database, as superuser: for tests, backup and repair."""
        return self._url(SUPERUSER, "postgres")

    def start(self) -> str:
        """Starts the server, or joins the one that runs; returns `url`. Makes the cluster on first use."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PostgresError(f"{self.directory} cannot be made: {error.strerror}.") from error
        with exclusive(self.directory / "lock"):
            if not self.running:
                self._launch()
            self._ensure_database()
        return self.url

    def stop(self) -> None:
        """Ends sessions and shuts down cleanly. Nothing to do when it does not run."""
        if not self.directory.is_dir():
            return
        with exclusive(self.directory / "lock"):
            for number, patience in STOP_SIGNALS:
                if (pid := self._process_id()) is None:
                    break
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
                wait_until(lambda: self._process_id() is None, timeout_seconds=patience)
            if (pid := self._process_id()) is not None:
                raise PostgresError(f"PostgreSQL (process {pid}) does not stop.")
            self._forget_socket()

    # -- the running server

    def _read_postmaster(self) -> Postmaster | None:
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise PostgresError(f"{self.cluster} cannot be read: it belongs to another user.") from error
        if len(lines) < 5:  # being written at this moment
            return None
        return Postmaster(int(lines[0]), Path(lines[4]), ready=len(lines) > 7 and lines[7].strip() == "ready")

    def _live(self) -> Postmaster | None:
        """The server that runs on this cluster now. A pid alone is no proof: after a power loss it may be another's."""
        if self._process is not None and self._process.poll() is not None:
            self._process = None  # reaps it, too
        found = self._read_postmaster()
        return found if found is not None and _serves(found.pid, found.socket_dir) else None

    def _process_id(self) -> int | None:
        """The server's, or that of one which we started and which has not written its pid file yet."""
        live = self._live()
        if live is None and self._process is not None:
            return self._process.pid
        return live.pid if live else None

    def _url(self, user: str, database: str) -> str:
        found = self._read_postmaster()
        if found is None:
            raise PostgresError(f"PostgreSQL in {self.directory} is not running.")
        return f"postgresql://{user}@/{database}?host={quote(str(found.socket_dir), safe='/')}"

    # -- starting

    def _launch(self) -> None:
        account = account_for(self.cluster)
        major = self.cluster_major()
        binaries = self._binaries or find_binaries(major)
        if major is not None and major != binaries.major:
            raise PostgresError(
                f"The database in {self.cluster} was made by PostgreSQL {major}, but the programs in "
                f"{binaries.directory} are version {binaries.version}. Use PostgreSQL {major}."
            )
        binaries = binaries.reachable_for(account)
        if major is None:
            self._initialise(binaries, account)
        self._clear_stale_pid()
        socket_dir = self._socket_dir(account)
        options = {
            **self._options,
            "unix_socket_directories": str(socket_dir),
            "cluster_name": socket_dir.name,
        }
        # A session of its own: Ctrl-C in the terminal must not reach it before its clients have left.
        with _entered(self.cluster, account) as (seen, arguments), self._open_log() as log:
            command = [str(binaries.directory / "postgres"), "-D", seen]
            command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
            arguments |= {
                "stdin": subprocess.DEVNULL,
                "stdout": log,
                "stderr": log,
                "start_new_session": True,
            }
            self._process = subprocess.Popen(command, **arguments)  # noqa: S603 - our own program
        self._await_ready(self._process)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        def settled() -> bool:
            found = self._read_postmaster()
            return process.poll() is not None or (
                found is not None and found.pid == process.pid and found.ready
            )

        in_time = wait_until(settled, timeout_seconds=START_TIMEOUT_SECONDS)
        if process.poll() is not None:
            raise PostgresError(f"PostgreSQL did not start: {self._last_complaint()} (log: {self.log})")
        if not in_time:
            raise PostgresError(f"PostgreSQL is not ready after {START_TIMEOUT_SECONDS} s; see {self.log}.")

    def cluster_major(self) -> int | None:
        """Major version that made the cluster; None before its first start."""
        try:
            return int((self.cluster / "PG_VERSION").read_text().split(".")[0])
        except FileNotFoundError:
            return None

    def _initialise(self, binaries: Binaries, account: RunAs) -> None:
        """Runs initdb beside the final place and renames: an interrupted one leaves no half cluster."""
        if self.cluster.exists():
            raise PostgresError(f"{self.cluster} is not a PostgreSQL cluster (no PG_VERSION). Move it away.")
        partial = self.directory / "data.new"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        account.own(partial)
        # The built-in provider sorts the same with every C library; before 17 there is only the library's.
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        options = ["--username", SUPERUSER, "--encoding=UTF8", "--auth-local=trust", "--auth-host=reject"]
        options += locale if binaries.major >= 17 else ["--locale=C.UTF-8"]
        options += ["--no-sync"] if self._options["fsync"] == "off" else []
        with _entered(partial, account) as (seen, arguments):
            command = [str(binaries.directory / "initdb"), "-D", seen, *options]
            done = subprocess.run(command, capture_output=True, text=True, check=False, **arguments)  # noqa: S603
        if done.returncode != 0:
            complaints = [line for line in done.stderr.splitlines() if "error:" in line or "FATAL:" in line]
            raise PostgresError(f"initdb failed: {(complaints or [done.stderr])[0].strip()}")
        partial.rename(self.cluster)

    def _clear_stale_pid(self) -> None:
        """After kill -9 the server's helpers leave within moments; after a power loss its pid may be another's."""
        stale = self._read_postmaster()
        if stale is None or not Path("/proc/self").exists():
            return
        name = stale.socket_dir.name.encode()
        if not wait_until(lambda: not any(name in line for line in _command_lines()), timeout_seconds=30):
            raise PostgresError(f"Processes of a killed PostgreSQL still use {self.cluster}. End them first.")
        (self.cluster / "postmaster.pid").unlink(missing_ok=True)
        # They name its pid as well.
        for lock in stale.socket_dir.glob(".s.PGSQL.*.lock"):
            lock.unlink(missing_ok=True)

    def _socket_dir(self, account: RunAs) -> Path:
        """The recorded directory if it is still ours, else a new one."""
        record = self.directory / "socket"
        with suppress(FileNotFoundError):
            recorded = Path(record.read_text().strip())
            found = recorded.lstat()
            if (
                stat.S_ISDIR(found.st_mode)
                and found.st_uid == account.uid
                and stat.S_IMODE(found.st_mode) == 0o700
            ):
                return recorded
        made = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=SOCKET_PARENT))
        account.own(made)
        record.write_text(f"{made}\n")
        return made

    def _forget_socket(self) -> None:
        record = self.directory / "socket"
        with suppress(FileNotFoundError):
            shutil.rmtree(record.read_text().strip(), ignore_errors=True)
            record.unlink()

    def _open_log(self) -> Any:
        kept = self.log.exists() and self.log.stat().st_size < LOG_KEPT_BYTES
        return self.log.open("ab" if kept else "wb")

    def _last_complaint(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
        return (fatal or lines or ["it said nothing"])[-1].split("FATAL:")[-1].strip()

    def _ensure_database(self) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            roles = {OWNER: "CREATE ROLE {} LOGIN CREATEROLE", SERVICE: "CREATE ROLE {} LOGIN NOINHERIT"}
            for role, statement in roles.items():
                if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                    connection.execute(sql.SQL(statement).format(sql.Identifier(role)))
            if (
                connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
                is None
            ):
                names = (sql.Identifier(DATABASE), sql.Identifier(OWNER))
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))


@contextmanager
def _entered(directory: Path, account: RunAs) -> Iterator[tuple[str, dict[str, Any]]]:
    """The directory's path for a program of PostgreSQL's, and the arguments of `subprocess` to run it with.

    The account that root hands over to may not be able to walk to the directory (a clone below /root, which only
    root may enter). So it gets the directory opened: through its descriptor nothing needs to be walked.
    """
    # PGDATA, PGPORT and the like of the caller's shell are about other servers.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    arguments: dict[str, Any] = {"cwd": "/", "env": environment | {"LC_ALL": "C"}, "umask": 0o077}
    if not account.drop:
        yield str(directory), arguments
        return
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        identity = {"user": account.uid, "group": account.gid, "extra_groups": []}
        yield f"/proc/self/fd/{opened}", arguments | identity | {"pass_fds": (opened,)}
    finally:
        os.close(opened)


def _serves(pid: int, socket_dir: Path) -> bool:
    """Whether this process is the server with that socket directory (its command line names it)."""
    if sys.platform == "linux":
        with suppress(OSError):
            return str(socket_dir).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            yield path.read_bytes()


@contextmanager
def ensure_database(settings: Settings, *, owner: bool = False) -> Iterator[str]:
    """The database's URL, usable inside the block: as who serves, or as who owns the tables and may migrate them.

    The configured database when there is one. Otherwise the embedded server: joined when it runs, started when not,
    and stopped at the end by the last process that used it.
    """
    if settings.database_url is not None:
        yield settings.migration_url or settings.database_url if owner else settings.database_url
        return
    server = EmbeddedPostgres(settings.postgres_dir)
    with using(server) as url:
        yield url if owner else server.service_url


@contextmanager
def using(server: EmbeddedPostgres) -> Iterator[str]:
    """Keeps the server running for the block; the last user stops it, even after others were killed."""
    try:
        server.directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PostgresError(f"{server.directory} cannot be made: {error.strerror}.") from error
    with FileLock(server.directory / "users") as users:
        users.take(shared=True)
        try:
            yield server.start()
        finally:
            if users.take(wait=False):  # nobody else holds it
                server.stop()
