"""The process that takes pings and nothing else: the same doors, on any host, with the database away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from crontopus_api.ingest import IngestApplication
from crontopus_api.settings import Settings

from ...http.process import api_process
from ...platform import Person, Platform
from ...postgres import service_url
from .senders import runs, tenant_key

_FIGURES = "read by prometheus, in this test"
# Nobody listens there.
_AWAY = "postgresql://nobody@127.0.0.1:1/nothing"


async def test_a_ping_is_heard_whichever_process_takes_it(
    platform: Platform, ada: Person, database_url: str, tmp_path: Path
) -> None:
    address = (await ada.put_job())["ping_url"]
    path = urlsplit(address).path
    key = await tenant_key(ada)
    # In the same data directory, where the secret is that keys are found by.
    with api_process(service_url(database_url), tmp_path, "ingest", METRICS_TOKEN=_FIGURES) as process:
        async with httpx.AsyncClient(base_url=process.url, trust_env=False) as pings:
            for asked, status in (
                (path + "/start", 200),
                (path.removeprefix("/ping") + "/7", 200),
                (f"/{key}/hello", 200),
                (f"/{key}/made?create=1&schedule=@daily", 201),
                ("/healthz", 200),
                ("/metrics", 401),
                ("/", 400),
                ("/api/v1/jobs", 400),
            ):
                assert (await pings.get(asked)).status_code == status, asked
            figures = await pings.get("/metrics", headers={"Authorization": f"Bearer {_FIGURES}"})
        # The API's own writer remembers what another process has changed meanwhile.
        await platform.ping(address + "/0")
    assert [(run["state"], run["exit_code"]) for run in await runs(ada)] == [
        ("success", 0),
        ("success", None),
        ("failure", 7),
    ]
    assert 'crontopus_checkins_total{door="ping",result="ok"} 4.0' in figures.text
    await platform.services.adopter.round()
    assert (await ada.get("/jobs/default/made"))["state"] == "healthy"


@asynccontextmanager
async def _started(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = IngestApplication(settings)
    transport = httpx.ASGITransport(app)
    async with (
        app.api.router.lifespan_context(app.api),
        httpx.AsyncClient(transport=transport, base_url="http://ping.test") as client,
    ):
        yield client


@pytest.mark.parametrize(("journal", "status"), [(True, 200), (False, 503)])
async def test_it_is_ready_while_pings_can_be_kept(tmp_path: Path, journal: bool, status: int) -> None:
    async with _started(Settings(database_url=_AWAY, data_dir=tmp_path, journal=journal)) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == status
    assert answer.json()["database"].startswith("away")
