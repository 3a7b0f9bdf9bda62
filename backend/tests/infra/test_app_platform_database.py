"""infra/app-platform/database.sql on a real server, run by an administrator like a managed cluster's: no superuser."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import OWNER, SERVICE

from ..postgres import Cluster, all_binaries, running_cluster

SCRIPT = Path(__file__).parents[3] / "infra/app-platform/database.sql"
ADMIN = "doadmin"


@pytest.fixture(params=all_binaries(), ids=lambda binaries: f"postgresql-{binaries.major}")
def place(request: pytest.FixtureRequest) -> Iterator[str]:
    """What follows the user in an address of the database `crontopus`, which the administrator owns."""
    with running_cluster(request.param) as cluster:
        _as_managed(cluster)
        yield f"@/crontopus?host={conninfo_to_dict(cluster.admin_url)['host']}"


def _as_managed(cluster: Cluster) -> None:
    with psycopg.connect(cluster.admin_url, autocommit=True) as superuser:
        superuser.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(OWNER)))
        for role in (SERVICE, OWNER):
            superuser.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
        superuser.execute(f"CREATE ROLE {ADMIN} LOGIN CREATEDB CREATEROLE")
        superuser.execute(f"CREATE DATABASE crontopus OWNER {ADMIN}")


def run_script(place: str, password: str | None) -> subprocess.CompletedProcess[str]:
    given = {} if password is None else {"CRONTOPUS_SERVICE_PASSWORD": password}
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("CRONTOPUS_")
    } | given
    command = ["psql", "--quiet", "--no-psqlrc", f"postgresql://{ADMIN}{place}", "--file", str(SCRIPT)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_administrator_migrates_and_the_service_can_enter_its_roles_only(place: str) -> None:
    for password in ('it\'s "one"', "another"):
        done = run_script(place, password)
        assert done.returncode == 0, done.stderr
    migrate(f"postgresql://{ADMIN}{place}")
    with psycopg.connect(f"postgresql://{SERVICE}{place}", autocommit=True) as service:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute("SELECT FROM jobs")
        service.execute("SET ROLE crontopus_app")
        service.execute("SELECT FROM jobs")
        service.execute("RESET ROLE")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute(f"SET ROLE {ADMIN}")


def test_it_makes_no_role_without_a_password(place: str) -> None:
    done = run_script(place, None)
    assert done.returncode != 0
    assert "set CRONTOPUS_SERVICE_PASSWORD first" in done.stderr
    with psycopg.connect(f"postgresql://{ADMIN}{place}") as admin:
        assert admin.execute("SELECT FROM pg_roles WHERE rolname = %s", (SERVICE,)).fetchone() is None
