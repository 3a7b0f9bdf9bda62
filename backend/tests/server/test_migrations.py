"""The migrations run on every PostgreSQL that is supported, oldest and newest, as an owner without superuser."""

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command

from crontopus_api.server.migrations import config_for, migrate
from crontopus_api.server.postgres_binaries import Binaries

from ..postgres import Cluster, all_binaries, running_cluster


@pytest.fixture(scope="module", params=all_binaries(), ids=lambda binaries: f"postgresql-{binaries.major}")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    binaries: Binaries = request.param
    with running_cluster(binaries) as running:
        yield running


@pytest.fixture
def empty_url(cluster: Cluster) -> Iterator[str]:
    name = cluster.create(migrated=False)
    yield cluster.url(name)
    cluster.drop(name)


def test_versions_cover_oldest_and_newest() -> None:
    majors = [binaries.major for binaries in all_binaries()]
    assert majors[0] == 15, "install Debian's postgresql: the oldest supported version must be tried, too"
    assert majors[-1] >= 18


def test_upgrade_twice_then_models_match(empty_url: str) -> None:
    migrate(empty_url)
    migrate(empty_url)
    command.check(config_for(empty_url))


def test_owner_is_no_superuser_and_does_not_bypass_row_security(empty_url: str) -> None:
    with psycopg.connect(empty_url) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False)
