"""The backend's PostgreSQL fixtures, and an admin on a fresh migrated database with two tenants."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from crontopus_admin.app import create_app
from crontopus_api.composition import Services, compose
from crontopus_api.identity.models import User
from crontopus_api.settings import Settings

# The fixtures belong to the backend's tests, which are no installed package.
sys.path.append(str(Path(__file__).resolve().parents[2]))
from backend.tests.conftest import database_url, postgres_cluster
from backend.tests.postgres import Cluster, service_url

__all__ = ["database_url", "postgres_cluster"]

ADDRESS = "http://admin.test"
NAME, PASSWORD = "olga", "a password for the tests"


@pytest.fixture
async def services(database_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    url = service_url(database_url)
    composed = compose(Settings(data_dir=tmp_path / "data", database_url=url), url)
    yield composed
    await composed.database.close()


@pytest.fixture
def superuser(database_url: str, postgres_cluster: Cluster) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """Autocommits, and bypasses row-level security: it puts in place what the admin is to find."""
    with psycopg.connect(
        database_url,
        user=psycopg.conninfo.conninfo_to_dict(postgres_cluster.admin_url)["user"],
        autocommit=True,
        row_factory=dict_row,
    ) as connection:
        yield connection


@pytest.fixture
async def client(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that nobody has signed in with. It follows no redirects."""
    transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as browser:
        yield browser


@pytest.fixture
async def operator(client: httpx.AsyncClient, services: Services) -> httpx.AsyncClient:
    """The same browser, signed in."""
    await services.operators.create(username=NAME, password=PASSWORD)
    response = await sign_in(client, NAME, PASSWORD)
    assert response.status_code == 303
    return client


@pytest.fixture
async def two_tenants(services: Services) -> list[User]:
    """ada and grace, each with a tenant of that name."""
    return [
        (
            await services.identity.register(
                username=name, email=f"{name}@example.org", password=f"{name}'s password", token_name="ci"
            )
        ).user
        for name in ("ada", "grace")
    ]


async def sign_in(client: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
    """What the log-in page does: the CSRF token from its form, then the form."""
    await client.get("/login")
    return await client.post("/login", data={"username": name, "password": password} | csrf(client))


def csrf(client: httpx.AsyncClient) -> dict[str, str]:
    return {"csrftoken": client.cookies["starlette_admin_csrftoken"]}
