"""What `crontopus-server doctor` says of who the service logs in as."""

from pathlib import Path

from crontopus_api.server import checks
from crontopus_api.settings import Settings

from ..postgres import Cluster, service_url


def said(url: str, data: Path) -> str:
    return checks.database_role(Settings(data_dir=data, database_url=url))


def test_whether_the_service_could_switch_protection_off(database_url: str, tmp_path: Path) -> None:
    assert "owns the tables" in said(database_url, tmp_path)
    assert "CRONTOPUS_DATABASE_OWNER_URL" in said(database_url, tmp_path)
    assert said(service_url(database_url), tmp_path).endswith("crontopus_service, who owns no tables")


def test_a_database_without_tables(postgres_cluster: Cluster, tmp_path: Path) -> None:
    name = postgres_cluster.create(migrated=False)
    assert said(postgres_cluster.url(name), tmp_path) == "The database has no schema yet"
    postgres_cluster.drop(name)
