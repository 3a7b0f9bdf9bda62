"""Owners of before the upgrade may afterwards do what only owners may."""

from collections.abc import Iterator

import psycopg
import pytest
from alembic import command

from crontopus_api.kit.ids import uuid7
from crontopus_api.server.migrations import config_for, migrate

from ..postgres import Cluster


@pytest.fixture
def old_url(postgres_cluster: Cluster) -> Iterator[str]:
    name = postgres_cluster.create(migrated=False)
    url = postgres_cluster.url(name)
    command.upgrade(config_for(url), "0012")
    yield url
    postgres_cluster.drop(name)


def _tokens(url: str) -> dict[str, list[str]]:
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE crontopus_lookup")
        return dict(connection.execute("SELECT name, scopes FROM tokens").fetchall())


def test_tokens_that_administered_own_as_well(old_url: str) -> None:
    tenant = uuid7()
    with psycopg.connect(old_url) as connection:
        connection.execute("SELECT set_config('app.tenant_id', %s, false)", (str(tenant),))
        connection.execute("SET ROLE crontopus_app")
        connection.execute("INSERT INTO tenants VALUES (%s, 'ada', 'ada', 'business', now())", (tenant,))
        for name, kind, scopes in (
            ("browser", "session", ["jobs:read", "tenant:admin"]),
            ("ci", "user", ["jobs:read"]),
            ("web-1", "endpoint", ["endpoint:self"]),
        ):
            connection.execute(
                "INSERT INTO tokens (tenant_id, id, kind, name, hint, digest, scopes, labels, created_at)"
                " VALUES (%s, %s, %s, %s, '', %s, %s, '{}', now())",
                (tenant, uuid7(), kind, name, name.encode(), scopes),
            )
    migrate(old_url)
    assert _tokens(old_url) == {
        "browser": ["jobs:read", "tenant:admin", "tenant:owner"],
        "ci": ["jobs:read"],
        "web-1": ["endpoint:self"],
    }
