"""The ASGI application: starlette-admin at the root, behind its own headers."""

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette_admin import BaseAdmin, DefaultTheme, TablerSettings

from crontopus_admin.auth import OperatorAuth, OperatorSessions
from crontopus_admin.health.service import HealthService
from crontopus_admin.health.view import HealthView
from crontopus_admin.views import EndpointsView, OperatorsLogView, TenantsView, UsersView
from crontopus_api.composition import Services
from crontopus_api.kit.crypto import derive
from crontopus_api.server.database_errors import explain
from crontopus_api.settings import load_secret_key

log = structlog.get_logger()

HEADERS = {
    # starlette-admin's pages carry inline scripts and styles.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline';"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none';"
    " form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Theme(DefaultTheme):
    """The default one with our templates above it: no font from a stranger's server, light and dark."""

    name = "crontopus"
    package = "crontopus_admin"


class Guard:
    """Adds the headers, keeps pages out of caches, and answers in one line when the database is away."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def guarded(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if "/static/" not in scope["path"]:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except DBAPIError as error:
            if started:
                raise
            log.warning("database_away", error=explain(error))
            await PlainTextResponse(f"{explain(error)}\n", 503)(scope, receive, guarded)


async def alive(_: Request) -> PlainTextResponse:
    """The process is alive; what else there is to say needs an operator."""
    return PlainTextResponse("ok")


def create_app(services: Services) -> Starlette:
    """Nothing here connects: that is up to the first request."""
    secret = derive(load_secret_key(services.settings), "admin/session").hex()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await services.close()

    admin = BaseAdmin(
        title="Crontopus operators",
        base_url="/",
        index_view=HealthView(HealthService(services)),
        theme=Theme(TablerSettings(base="slate", primary="teal")),
        auth_provider=OperatorAuth(services.operators),
        secret_key=secret,
        middlewares=[Middleware(Guard), Middleware(OperatorSessions, secret_key=secret)],
        timezone_config=None,
        templates_dir="",
    )
    for view in (TenantsView, UsersView, EndpointsView, OperatorsLogView):
        admin.add_view(view(services.database))
    app = Starlette(routes=[Route("/healthz", alive)], lifespan=lifespan)
    admin.mount_to(app)
    return app
