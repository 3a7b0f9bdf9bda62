"""The ping process: it takes pings and telemetry, and does nothing else.

For a ping host of its own: pings are heard while the API is replaced or busy, and a process costs less memory. What it
writes, and how, is what the API would: both have the same doors and writers, and any number of both may run.

`app` is what an ASGI server runs: `uvicorn crontopus_api.ingest:app`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import JSONResponse

from crontopus_api import health
from crontopus_api.checkins.doors.router import Doors
from crontopus_api.checkins.wiring import Ingest, Needs
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.front import Front
from crontopus_api.identity.tokens import TokenService
from crontopus_api.jobs.changing.judge import Judge
from crontopus_api.jobs.repositories import head_of
from crontopus_api.jobs.service import JobService
from crontopus_api.kit import log, problems, wiring
from crontopus_api.kit.clock import SystemClock
from crontopus_api.kit.crypto import Keyring
from crontopus_api.kit.database import Database
from crontopus_api.kit.events import Events
from crontopus_api.kit.heap import freeze_startup
from crontopus_api.kit.wiring import provided
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings, get_settings, load_previous_secret_key, load_secret_key
from crontopus_api.tenants.service import TenantService

router = APIRouter()


@router.get("/readyz")
async def readyz(
    database: Annotated[Database, Depends(provided(Database))],
    settings: Annotated[Settings, Depends(provided(Settings))],
) -> JSONResponse:
    """Pings can be kept: in the database, or on the disk while that is away."""
    standing = await health.standing(database)
    if standing == "ok" or not settings.journal:
        return JSONResponse({"database": standing}, 200 if standing == "ok" else 503)
    return JSONResponse({"database": f"{standing}; pings are kept in the journal"})


def wire(settings: Settings, database: Database) -> Ingest:
    """Of all services those that a ping may need; the rest of them never becomes a part of the process."""
    clock, events = SystemClock(), Events()
    keyring = Keyring(load_secret_key(settings), load_previous_secret_key(settings))
    tenants = TenantService(clock, events, settings.default_plan)
    endpoints = EndpointService(clock, TokenService(clock), tenants, events, head_of)
    jobs = JobService(endpoints, keyring, clock, settings.base_url)
    return Ingest.wire(
        Needs(database, keyring, tenants, jobs, Judge(tenants), clock),
        journal_dir=settings.journal_dir,
        redis_url=settings.redis_url,
        limit=settings.check_in_limit,
    )


class IngestApplication(Front):
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.api = FastAPI(title="Crontopus pings", openapi_url=None, docs_url=None, redoc_url=None)
        problems.install(self.api)
        self.api.router.routes.extend((*health.router.routes, *router.routes))
        self.api.router.lifespan_context = self._lifespan
        super().__init__(settings, self.api)

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        settings = self.settings
        log.configure(settings.log_level, settings.log_format)
        with ensure_database(settings) as url:
            database = Database(
                url, direct_url=settings.database_direct_url if settings.database_url else None
            )
            ingest = wire(settings, database)
            wiring.provide(self.api, settings, database)
            self.doors = Doors(ingest.reporter, SystemClock(), settings.ping_host, nothing_else=True)
            ingest.start()
            freeze_startup()
            try:
                yield
            finally:
                await ingest.stop()
                await database.close()


def create_app(settings: Settings | None = None) -> IngestApplication:
    return IngestApplication(settings or get_settings())


app = create_app()
