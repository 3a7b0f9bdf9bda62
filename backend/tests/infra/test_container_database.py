"""The database script of docker-compose.yml, on a real server: what it makes is what migrations and service need."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import OWNER, SERVICE

from ..postgres import Cluster, default_binaries, running_cluster

SCRIPT = Path(__file__).parents[3] / "infra/docker/postgres/10-databases.sh"


@pytest.fixture
def empty_server() -> Iterator[Cluster]:
    """As the container's image makes it: a superuser and nothing else."""
    with running_cluster(default_binaries()) as cluster:
        with psycopg.connect(cluster.admin_url, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(OWNER)))
            for role in (SERVICE, OWNER):
                admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
        yield cluster


def run_script(cluster: Cluster) -> str:
    server = conninfo_to_dict(cluster.admin_url)
    secrets = ("DATABASE", "SERVICE", "FORGEJO_DATABASE")
    environment = {f"CRONTOPUS_{name}_PASSWORD": f'it\'s {name} "$1"' for name in secrets}
    environment |= {"PGHOST": str(server["host"]), "POSTGRES_USER": str(server["user"])}
    subprocess.run(["sh", SCRIPT], env=os.environ | environment, check=True, capture_output=True, text=True)
    return f"@/crontopus?host={quote(str(server['host']))}"


def test_owner_migrates_and_the_service_can_enter_its_roles_only(empty_server: Cluster) -> None:
    place = run_script(empty_server)
    migrate(f"postgresql://crontopus{place}")
    with psycopg.connect(f"postgresql://{SERVICE}{place}", autocommit=True) as service:
        service.execute("SET ROLE crontopus_app")
        service.execute("SELECT FROM jobs")
        service.execute("RESET ROLE")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute("SELECT FROM jobs")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            service.execute("SET ROLE crontopus")


def test_nobody_else_may_connect(empty_server: Cluster) -> None:
    place = run_script(empty_server)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(f"postgresql://forgejo{place}").close()
