"""PostgreSQL for tests: servers of the suite's own, in a temporary directory, reached through a private socket.

Nothing needs to be running beforehand and nothing is shared with the machine's own PostgreSQL. Durability is
off (the directory is thrown away); tests about faults start `EmbeddedPostgres` themselves, with it on.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from crontopus_api.server.locks import FileLock
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import OWNER, SERVICE, EmbeddedPostgres, using
from crontopus_api.server.postgres_binaries import Binaries, find_binaries, machine_binaries, wheel_binaries

OPTIONS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
PREFIX = "crontopus-test-"
TEMPLATE = "crontopus_template"


class Cluster:
    """One running server, and databases made on it."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._migrated = False

    @property
    def admin_url(self) -> str:
        """The maintenance database as superuser."""
        return self._server.admin_url

    def url(self, database: str) -> str:
        """As the role that owns the tables."""
        host = conninfo_to_dict(self.admin_url)["host"]
        return f"postgresql://{OWNER}@/{database}?host={host}"

    def create(self, *, migrated: bool = True) -> str:
        """Makes a database with a new name, owned by the application's role; returns its name."""
        if migrated and not self._migrated:
            self._run("CREATE DATABASE {} OWNER {}", TEMPLATE, OWNER)
            migrate(self.url(TEMPLATE))
            self._migrated = True
        name = f"test_{uuid4().hex[:12]}"
        self._run(
            "CREATE DATABASE {} OWNER {} TEMPLATE {}", name, OWNER, TEMPLATE if migrated else "template0"
        )
        return name

    def drop(self, name: str) -> None:
        self._run("DROP DATABASE {} WITH (FORCE)", name)

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def service_url(url: str) -> str:
    """The same database as the role that serves."""
    return url.replace(f"//{OWNER}@", f"//{SERVICE}@")


@contextmanager
def running_cluster(binaries: Binaries) -> Iterator[Cluster]:
    """Starts a server for the block and removes every trace of it afterwards."""
    _sweep()
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        server = EmbeddedPostgres(directory, binaries=binaries, options=OPTIONS)
        with using(server):
            yield Cluster(server)
    finally:
        shutil.rmtree(directory)


def _sweep() -> None:
    """Ends what test runs that were killed left behind; one in use is recognised by its lock."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if directory.stat().st_uid != os.geteuid() or not (directory / "users").exists():
            continue
        with FileLock(directory / "users") as users:
            if users.take(wait=False):
                EmbeddedPostgres(directory).stop()
                shutil.rmtree(directory)


def default_binaries() -> Binaries:
    """The machine's own PostgreSQL (15 on Debian 12, the oldest that is supported), else the wheel's."""
    supported = [binaries for binaries in machine_binaries() if binaries.major >= 15]
    return min(supported, key=lambda binaries: binaries.major) if supported else find_binaries()


def all_binaries() -> list[Binaries]:
    """One of each major version from 15 on, oldest first: what the migrations are tried on."""
    found = {binaries.major: binaries for binaries in [*wheel_binaries(), *machine_binaries()]}
    return [found[major] for major in sorted(found) if major >= 15]
