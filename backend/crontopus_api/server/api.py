"""The processes that serve, the API and the one for pings: one HTTP server in this process."""

import os
import sys
from pathlib import Path
from typing import Any

import uvicorn

from crontopus_api.kit import log
from crontopus_api.kit.http.connections import GuardedConnection
from crontopus_api.server import checks
from crontopus_api.server.children import dying_with
from crontopus_api.settings import Settings, get_settings

APPS = {"api": "crontopus_api.main:app", "ingest": "crontopus_api.ingest:app"}
SERVING = "crontopus_api.server.serving"
# Requests in flight may finish; streams (SSE) are cut after this.
GRACE_SECONDS = 5


def serve(application: Any, settings: Settings, **options: Any) -> None:
    """Serves an ASGI application (or its import path) until SIGTERM. The only place that knows the HTTP server."""
    uvicorn.run(
        application,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=GuardedConnection,
        # Which proxy is believed is said by CRONTOPUS_TRUSTED_PROXIES, and read at the edge.
        proxy_headers=False,
        ws="none",
        limit_concurrency=settings.max_connections,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        **options,
    )


def run(settings: Settings, app: str = "api", *, reload: bool = False) -> None:
    """Runs one of APPS; the application itself starts the embedded database when none is configured. `reload`: the API
    only."""
    checks.port(settings)
    log.configure(settings.log_level, settings.log_format)
    if reload:
        package = Path(__file__).resolve().parents[1]
        serve(f"{__name__}:reloaded", settings, reload=True, factory=True, reload_dirs=[str(package)])
    else:
        # A process that serves has no use for what a command line needs (13 MB), nor for memory of its own in each of
        # its few threads.
        environment = {"MALLOC_ARENA_MAX": "1", **os.environ}
        os.execve(sys.executable, [sys.executable, "-m", SERVING, app], environment)  # noqa: S606 - our own, no shell


def reloaded() -> Any:
    """The application, in the process that uvicorn's reloader replaces on every change."""
    dying_with(os.getppid())()
    settings = get_settings()
    log.configure(settings.log_level, settings.log_format)
    from crontopus_api.main import app  # noqa: PLC0415 - after the log is set up, anew in each process

    return app


def main(app: str) -> None:
    """What `run` becomes by way of `serving`, once everything has been checked."""
    settings = get_settings()
    log.configure(settings.log_level, settings.log_format)
    serve(APPS[app], settings)
