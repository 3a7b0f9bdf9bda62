"""Fixtures that every backend test may use.

* `database_url`: a fresh, migrated database for this test alone (a copy of a template: about 50 ms). Use it when
  the test commits, listens, or runs several connections.
* `shared_database_url`: one migrated database per run, for tests that roll their transaction back.
* `platform`, `ada`: the whole API in this test's event loop, and somebody registered on it.
* `postgres_url`: the server's maintenance database, as superuser.

All addresses are plain `postgresql://` ones through a Unix socket. The server is PostgreSQL 15 where Debian's
is installed, else the embedded one; `backend/tests/server` also tries the migrations on every version found.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from .platform import Person, Platform, running_platform
from .postgres import Cluster, default_binaries, running_cluster


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    with running_cluster(default_binaries()) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_url(postgres_cluster: Cluster) -> str:
    return postgres_cluster.admin_url


@pytest.fixture(scope="session")
def shared_database_url(postgres_cluster: Cluster) -> Iterator[str]:
    name = postgres_cluster.create()
    yield postgres_cluster.url(name)
    postgres_cluster.drop(name)


@pytest.fixture
def database_url(postgres_cluster: Cluster) -> Iterator[str]:
    name = postgres_cluster.create()
    yield postgres_cluster.url(name)
    postgres_cluster.drop(name)


@pytest.fixture
async def platform(database_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """The API with every room behind it, on a database of this test's own."""
    async with running_platform(database_url, tmp_path / "data") as running:
        yield running


@pytest.fixture
async def ada(platform: Platform) -> Person:
    return await platform.register("ada")
