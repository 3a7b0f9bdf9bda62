"""A whole API in the test's own event loop: real PostgreSQL, real repositories, no sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from crontopus_api.composition import Services, compose
from crontopus_api.main import Application
from crontopus_api.settings import Settings

from .postgres import service_url

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """Somebody signed in by API token; `api` sends their requests."""

    username: str
    tenant_id: UUID
    token: str
    api: httpx.AsyncClient

    async def put_job(self, name: str = "default/hello", **spec: Any) -> dict[str, Any]:
        body = {"spec": {"schedule": "0 2 * * *", **spec}}
        answer = await self.api.put(f"/api/v1/jobs/{name}", json=body)
        assert answer.status_code in {200, 201}, answer.text
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.api.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@dataclass
class Platform:
    services: Services
    app: Application
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(
        self, token: str | None = None, *, address: str = "127.0.0.1", **options: Any
    ) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, client=(address, 123)),
            base_url="http://crontopus.test",
            headers=headers,
            **options,
        )
        self.clients.append(client)
        return client

    async def register(self, username: str) -> Person:
        body = {
            "username": username,
            "email": f"{username}@example.org",
            "password": PASSWORD,
            "mode": "token",
        }
        answer = await self.client().post("/api/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        session = answer.json()
        token = session["token"]
        return Person(username, UUID(session["tenant"]["id"]), token, self.client(token))

    async def ping(self, url: str, body: str = "", method: str = "POST") -> httpx.Response:
        path = httpx.URL(url).raw_path.decode()
        return await self.client().request(method, path, content=body)


_spare: list[Application] = []
"""Applications of tests that are over. Building the API's routes takes 0.4 s, giving it other services nothing."""


@asynccontextmanager
async def running_platform(database_url: str, data_dir: Path, **more: Any) -> AsyncIterator[Platform]:
    """Logged in as the service is. `more`: settings that differ from those of a plain installation."""
    database_url = service_url(database_url)
    settings = Settings(
        database_url=database_url, data_dir=data_dir, **({"public_url": "http://crontopus.test"} | more)
    )
    services = compose(settings, database_url)
    app = _spare.pop() if _spare else Application(settings)
    app.settings = settings
    app.use(services)
    services.ingest.writer.start()
    services.hub.start()
    platform = Platform(services, app)
    try:
        yield platform
    finally:
        for client in platform.clients:
            await client.aclose()
        await services.ingest.writer.stop()
        await services.hub.stop()
        await services.close()
        _spare.append(app)
