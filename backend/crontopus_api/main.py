"""The API process: FastAPI, with the doors for check-ins and Git in front of it.

`app` is what an ASGI server runs: `uvicorn crontopus_api.main:app`.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse

from crontopus_api import console, git_access, health
from crontopus_api.alerts.channel_routes import router as channels_router
from crontopus_api.alerts.routes import router as alerts_router
from crontopus_api.alerts.routing.routes import router as routing_router
from crontopus_api.checkins.badges.routes import router as badges_router
from crontopus_api.checkins.doors.reporting import Reporter
from crontopus_api.checkins.doors.router import Doors
from crontopus_api.checkins.keys.routes import router as ping_keys_router
from crontopus_api.checkins.prometheus.routes import router as prometheus_router
from crontopus_api.checkins.routes import router as checkins_router
from crontopus_api.checkins.runs.report_routes import router as reports_router
from crontopus_api.checkins.runs.routes import router as runs_router
from crontopus_api.composition import Services, compose
from crontopus_api.endpoints.agent_routes import router as agent_router
from crontopus_api.endpoints.routes import router as endpoints_router
from crontopus_api.gitstore.metrics import Measured
from crontopus_api.identity.account_routes import router as account_router
from crontopus_api.identity.audit_routes import router as audit_router
from crontopus_api.identity.oidc_routes import router as oidc_router
from crontopus_api.identity.routes import router as identity_router
from crontopus_api.identity.tenancy.member_routes import router as members_router
from crontopus_api.identity.tenancy.routes import router as tenants_router
from crontopus_api.identity.token_routes import router as tokens_router
from crontopus_api.jobs.change_routes import router as job_changes_router
from crontopus_api.jobs.discovered.routes import router as discovered_router
from crontopus_api.jobs.documents.routes import router as documents_router
from crontopus_api.jobs.repository_routes import public as public_repository_router
from crontopus_api.jobs.repository_routes import router as repository_router
from crontopus_api.jobs.routes import router as jobs_router
from crontopus_api.kit import log, problems, wiring
from crontopus_api.kit.heap import freeze_startup
from crontopus_api.kit.http import contract
from crontopus_api.kit.http.asgi import App, Message, Receive, Scope, Send
from crontopus_api.kit.http.edge import Edge
from crontopus_api.kit.http.express import Take
from crontopus_api.kit.limits import RATE_LIMIT_HEADERS, RateLimits
from crontopus_api.kit.metrics import observe_request
from crontopus_api.kit.tracing import Tracing
from crontopus_api.live.routes import router as live_router
from crontopus_api.releases.routes import router as releases_router
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings, get_settings


def create_api(settings: Settings) -> FastAPI:
    """The REST API and the console. Its services arrive when it starts."""
    api = FastAPI(
        title="Crontopus",
        version="1",
        summary="Job scheduling and monitoring on GitOps principles.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    problems.install(api)
    for router in (
        health.router,
        identity_router,
        tokens_router,
        tenants_router,
        members_router,
        audit_router,
        account_router,
        oidc_router,
        agent_router,  # before endpoints: `self` is not an endpoint's id
        discovered_router,
        endpoints_router,
        jobs_router,
        job_changes_router,
        documents_router,
        repository_router,
        public_repository_router,
        checkins_router,
        ping_keys_router,
        runs_router,
        reports_router,
        badges_router,
        prometheus_router,
        alerts_router,
        channels_router,
        routing_router,
        live_router,
        releases_router,
    ):
        # Their own routes: `include_router` makes each anew when the first request comes (5 MB).
        api.router.routes.extend(router.routes)
    contract.declare(api)
    built = settings.built_console
    if built is not None:
        pages = console.Console(built)
        api.add_api_route("/api/docs", pages.api_reference, include_in_schema=False)
        api.mount("/", pages, name="console")
    else:
        api.add_api_route("/", console.unbuilt_console, response_class=HTMLResponse, include_in_schema=False)
    return api


class Application:
    """Sends each request to its door. Pings and Git never pass through FastAPI: they are hot, or streams."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.api = create_api(settings)
        self.api.router.lifespan_context = self._lifespan
        self._doors: Doors | None = None
        self._git: App | None = None
        self._edge = edge(settings)
        self._open: App = self.api

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        log.configure(self.settings.log_level, self.settings.log_format)
        with ensure_database(self.settings) as database_url:
            services = compose(self.settings, database_url)
            self.use(services)
            tracing = self._traced(services)
            services.hub.start()
            services.writer.start()
            services.heartbeats.start()
            services.meter.start()
            freeze_startup()
            try:
                yield
            finally:
                await services.meter.stop()
                await services.heartbeats.stop()
                await services.writer.stop()
                await services.hub.stop()
                await services.close()
                if tracing is not None:
                    tracing.close()

    def _traced(self, services: Services) -> Tracing | None:
        if self.settings.otlp_endpoint is None:
            return None
        tracing = Tracing("crontopus-api", self.settings.otlp_endpoint, services.database.engine)
        self._open = tracing.around(self._open)
        return tracing

    def use(self, services: Services) -> None:
        """Hand the services to every door."""
        self._edge = edge(services.settings, services.limits)
        self._open = allowing(services.settings.cors_origins, self.api)
        self._doors = doors(services)
        self._git = Measured(git_access.git_app(services))
        wiring.provide(
            self.api,
            services.settings,
            services.database,
            services.tokens,
            services.identity,
            services.tenancy,
            services.usage,
            services.exports,
            services.audit,
            services.addresses,
            services.passwords,
            services.second_factors,
            services.sessions,
            services.sign_on,
            services.endpoints,
            services.machines,
            services.releases,
            services.jobs,
            services.editing,
            services.versions,
            services.importing,
            services.discovered,
            services.documents,
            services.windows,
            services.repositories,
            services.writer,
            services.ping_keys,
            services.check_ins,
            services.runs,
            services.reports,
            services.badges,
            *services.alerts.for_routes(),
            services.hub,
            services.limits,
            services.meter,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.api(scope, receive, send)
            return
        self._edge.arrive(scope)
        door = self._doors.find(scope) if self._doors is not None else None
        if door is not None:
            self._edge.at_door(scope)
            await door(scope, receive, send)
            return
        leaving = self._edge.leaving(send, scope)
        if scope["path"].startswith("/git/") and self._git is not None:
            await self._git(scope, receive, leaving)
        else:
            await self._measured(scope, receive, leaving)

    def express(self, scope: Scope) -> Take | None:
        """Pings of jobs' own keys, short as they are, are answered without ASGI (see `kit.http.express`)."""
        door = self._doors.find(scope) if self._doors is not None else None
        ahead = door.express(scope["path"]) if door is not None else None
        if door is None or ahead is None:
            return None
        leaving = self._edge.at_express_door(scope)
        return lambda body: door.reply_now(ahead, body, leaving)

    async def _measured(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._edge.guarded(self._open, scope, receive, noting)
        finally:
            observe_request(scope, status, time.perf_counter() - began)


def edge(settings: Settings, limits: RateLimits | None = None) -> Edge:
    return Edge(
        trusted_proxies=settings.trusted_proxies,
        client_header=settings.client_header,
        https=settings.secure,
        limits=limits,
    )


def allowing(origins: Sequence[str], app: App) -> App:
    """`app` for pages of other sites too. They get no cookies: whoever calls from there sends a token."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "If-Match", "Idempotency-Key"],
        expose_headers=["ETag", "Location", "Retry-After", "X-Request-ID", *RATE_LIMIT_HEADERS],
        max_age=3600,
    )


def doors(services: Services) -> Doors:
    reporter = Reporter(
        services.writer, services.directory, services.pending_jobs, services.keyring, services.meter
    )
    return Doors(reporter, services.clock, services.settings.ping_host)


def create_app(settings: Settings | None = None) -> Application:
    return Application(settings or get_settings())


app = create_app()
