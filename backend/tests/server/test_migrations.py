"""The migrations run on every PostgreSQL that is supported, oldest and newest, as an owner without superuser."""

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command
from psycopg.conninfo import conninfo_to_dict, make_conninfo

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


def test_rows_that_were_there_are_migrated_too(empty_url: str, cluster: Cluster) -> None:
    """The owner is held by forced row-level security: a statement that forgets so changes nothing, without a word."""
    command.upgrade(config_for(empty_url), "0015")
    database = conninfo_to_dict(empty_url)["dbname"]
    with psycopg.connect(make_conninfo(cluster.admin_url, dbname=database), autocommit=True) as admin:
        admin.execute(
            "INSERT INTO tenants (id, slug, name, plan, created_at) VALUES (gen_random_uuid(), 'a', 'A', 'free', now())"
        )
        admin.execute(
            "INSERT INTO incidents (tenant_id, id, kind, state, severity, title, opened_at)"
            " SELECT id, gen_random_uuid(), 'failing', 'open', 'error', 'x', now() FROM tenants"
        )
        admin.execute(
            "INSERT INTO incident_events (tenant_id, id, incident_id, at, kind, message)"
            " SELECT tenant_id, gen_random_uuid(), id, now(), 'opened', 'exit code 3' FROM incidents"
        )
        admin.execute(
            "INSERT INTO deliveries (tenant_id, id, incident_id, event, channel, target, state, attempts, created_at)"
            " SELECT tenant_id, gen_random_uuid(), id, 'opened', 'email', 'a@example.org', 'sent', 1, now()"
            " FROM incidents"
        )
        migrate(empty_url)
        assert admin.execute("SELECT opened_because FROM incidents").fetchall() == [("exit code 3",)]
        assert admin.execute("SELECT count(*) FROM incident_events").fetchone() == (0,)
        owners = "SELECT c.name FROM deliveries d JOIN channels c ON c.id = d.channel_id"
        assert admin.execute(owners).fetchall() == [("Owners",)]
