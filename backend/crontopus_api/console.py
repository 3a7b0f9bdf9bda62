"""Serves the built console: files by name, the page itself for every other path."""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

_NOT_THE_CONSOLE = ("api", "git", "ping", "badge", "schemas", "downloads", "install.sh", "install.ps1")
_UNBUILT = (
    "<!doctype html><title>Crontopus</title><h1>The console is not built</h1>"
    "<p>Run <code>make up</code>, or <code>cd frontend &amp;&amp; npm install &amp;&amp; npm run build</code>."
    ' The API is described here: <a href="/api/openapi.json">/api/openapi.json</a>.</p>'
)


class Console(StaticFiles):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory=directory, html=True)

    async def get_response(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        # As asked, too: `downloads/../x` has become `x` in `path`.
        asked = str(scope["path"]).lstrip("/")
        if any(each.split("/", 1)[0] in _NOT_THE_CONSOLE for each in (path, asked)):
            raise HTTPException(404, "There is nothing at this address.")
        return await self._page(path, scope)

    async def _page(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            # A path with a suffix is a file somebody expected; any other is a page of the console.
            if error.status_code != 404 or "." in path.rsplit("/", 1)[-1]:
                raise
            response = await super().get_response("index.html", scope)
        # Names of assets carry a hash of their content; the page that names them must stay fresh.
        immutable = path.startswith("assets/")
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if immutable else "no-cache"
        return response

    async def api_reference(self, request: Request) -> Response:
        """Swagger UI over /api/openapi.json, built with the console and served from here."""
        return await self._page("api-docs.html", request.scope)


def unbuilt_console() -> HTMLResponse:
    return HTMLResponse(_UNBUILT)
