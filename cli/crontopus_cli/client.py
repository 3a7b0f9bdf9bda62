"""The one place that does HTTP: the public API under /api/v1, and its errors as words for people."""

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from crontopus_cli import __version__, words
from crontopus_cli.errors import ApiError, AuthError, CliError, Unreachable
from crontopus_cli.output import note

Json = dict[str, Any]

PAGE_SIZE = 200
# Seconds before each new try. Only a GET is tried again: it changes nothing when it arrives twice.
RETRY_DELAYS = (0.2, 0.6)
# A server that has enough of us says for how long. More than this is for the person to wait, or for cron.
LONGEST_WAIT_SECONDS = 60
_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
# A live stream says something every 15 s.
_STREAM = httpx.Timeout(60.0, connect=5.0)
_TRY_AGAIN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError, httpx.ReadError)


class Client:
    """A session with one server. Use as a context manager."""

    def __init__(self, server: str, token: str | None = None) -> None:
        self.server = server
        headers = {"User-Agent": f"crontopus-cli/{__version__}"}
        if token is not None:
            if not token.isascii() or not token.isprintable() or " " in token:
                raise AuthError("the token contains characters no token has", "copy it again, whole")
            headers["Authorization"] = f"Bearer {token}"
        # Redirects are not followed: they would carry the request, and on a wrong address hide the mistake.
        self._http = httpx.Client(base_url=f"{server}/api/v1", headers=headers, timeout=_TIMEOUT)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, *path: str, **query: object) -> Json:
        return self._json(self._send("GET", path, query=query))

    def get_text(self, *path: str, accept: str) -> str:
        return self._send("GET", path, headers={"Accept": accept}).text

    def stream(self, *path: str, accept: str, **query: object) -> Iterator[bytes]:
        """A long answer, piece by piece as it comes. It may take as long as it takes."""
        request = self._request("GET", path, query=query, headers={"Accept": accept}, timeout=_STREAM)
        try:
            response = self._deliver(request, stream=True)
            try:
                if not response.is_success:
                    response.read()
                    raise self._problem(response)
                yield from response.iter_bytes()
            finally:
                response.close()
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def post(self, *path: str, body: Json | None = None, **query: object) -> Json:
        return self._send_json("POST", path, body or {}, query)

    def patch(self, *path: str, body: Json) -> Json:
        return self._send_json("PATCH", path, body, {})

    def put_yaml(self, *path: str, text: str, etag: str | None = None, **query: object) -> Json:
        """Replaces the object `etag` names (None: whatever is there). Raises ApiError when it was changed since."""
        headers = {"If-Match": f'"{etag}"'} if etag is not None else None
        content = text.encode()
        return self._json(
            self._send(
                "PUT", path, query=query, headers=headers, content=content, content_type="application/yaml"
            )
        )

    def delete(self, *path: str, body: Json | None = None, **query: object) -> Json:
        """What the server says of it; usually nothing."""
        return self._send_json("DELETE", path, body, query)

    def pages(self, *path: str, limit: int = 0, **query: object) -> Iterator[Json]:
        """The items of a list, page after page, at most `limit` of them (0: all)."""
        left, cursor = limit or None, None
        while True:
            size = PAGE_SIZE if left is None else min(left, PAGE_SIZE)
            page = self.get(*path, **query, limit=size, cursor=cursor)
            if not isinstance(page.get("items"), list):
                raise CliError(
                    f"{self.server} sent no list", "this CLI may be too old or too new for the server"
                )
            items: list[Json] = page["items"][:left]
            yield from items
            left = None if left is None else left - len(items)
            cursor = page.get("next_cursor")
            if not cursor or not items or left == 0:
                return

    def _send_json(self, method: str, path: tuple[str, ...], body: Json | None, query: Json) -> Json:
        content = None if body is None else json.dumps(body).encode()
        content_type = None if body is None else "application/json"
        response = self._send(method, path, query=query, content=content, content_type=content_type)
        return {} if response.status_code == httpx.codes.NO_CONTENT else self._json(response)

    def _send(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        query: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        content_type: str | None = None,
    ) -> httpx.Response:
        if content_type:
            headers = {**(headers or {}), "Content-Type": content_type}
        request = self._request(method, path, query=query, headers=headers, content=content)
        try:
            response = self._deliver(request)
        except httpx.TimeoutException as error:
            raise Unreachable(
                f"{self.server} did not answer in time", "try again, or check that the server is healthy"
            ) from error
        except httpx.TransportError as error:
            raise self._unreachable(error) from error
        if not response.is_success:
            raise self._problem(response)
        return response

    def _request(
        self,
        method: str,
        path: tuple[str, ...],
        *,
        query: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        timeout: httpx.Timeout = _TIMEOUT,
    ) -> httpx.Request:
        return self._http.build_request(
            method,
            "/" + "/".join(quote(part, safe=":") for part in path),  # `jobs:apply` has its colon as it is
            params={name: _wire(value) for name, value in (query or {}).items() if value is not None},
            headers=headers,
            content=content,
            timeout=timeout,
        )

    def _deliver(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """The answer. A read that the server has no time for now is asked once more when it says."""
        response = self._reach(request, stream=stream)
        wait = _retry_after(response)
        if request.method != "GET" or wait is None or wait > LONGEST_WAIT_SECONDS:
            return response
        response.close()
        note(f"{self.server} is asked too often; going on in {words.span(wait)}.")
        time.sleep(wait)
        return self._reach(request, stream=stream)

    def _reach(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        delays = RETRY_DELAYS if request.method == "GET" else ()
        for delay in delays:
            try:
                return self._http.send(request, stream=stream)
            except _TRY_AGAIN:
                time.sleep(delay)
        return self._http.send(request, stream=stream)

    def _unreachable(self, error: httpx.TransportError) -> Unreachable:
        reason = str(error) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in reason:
            return Unreachable(
                f"the TLS certificate of {self.server} is not trusted: {reason}",
                "for a private authority set SSL_CERT_FILE to its certificate",
            )
        return Unreachable(
            f"cannot reach {self.server}: {reason}", "is the server running, and is the address right?"
        )

    def _json(self, response: httpx.Response) -> Json:
        try:
            body = response.json()
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise self._not_crontopus(response)
        return body

    def _problem(self, response: httpx.Response) -> CliError:
        """The server's problem document as an error; 401 and 403 are about who you are."""
        try:
            problem = response.json()
        except ValueError:
            problem = None
        status = response.status_code
        if not isinstance(problem, dict) or "title" not in problem:
            if status == httpx.codes.UNAUTHORIZED:
                return AuthError(f"{self.server} refuses the token", "run `crontopus login`")
            return self._not_crontopus(response)
        message = str(problem.get("detail") or problem["title"])
        hint = str(problem["hint"]) if problem.get("hint") else None
        code = str(problem.get("code", ""))
        if status == httpx.codes.UNAUTHORIZED:
            return AuthError(message, hint or f"run `crontopus login --server {self.server}`", code=code)
        if status == httpx.codes.FORBIDDEN:
            known = "Authorization" in self._http.headers
            scopes = (
                "use a token with the scope this needs; `crontopus whoami` shows yours" if known else None
            )
            return AuthError(message, hint or scopes, code=code)
        if status == httpx.codes.TOO_MANY_REQUESTS:
            hint = _when_again(_retry_after(response))
        errors = [finding for finding in problem.get("errors") or [] if isinstance(finding, dict)]
        return ApiError(message, hint, status=status, code=code, errors=errors)

    def _not_crontopus(self, response: httpx.Response) -> CliError:
        if response.is_server_error:
            return CliError(f"{self.server} failed with HTTP {response.status_code}", "try again in a moment")
        return CliError(
            f"{self.server} does not answer like a Crontopus server (HTTP {response.status_code})",
            "check the address; `crontopus login --server URL` changes it",
        )


def _wire(value: object) -> str | list[str]:
    """A list is sent as the parameter several times."""
    if isinstance(value, list):
        return [str(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _retry_after(response: httpx.Response) -> int | None:
    """For how many seconds the server wants to be left alone; None: it does not, or does not say for how long."""
    said = response.headers.get("Retry-After", "")
    asked = response.status_code == httpx.codes.TOO_MANY_REQUESTS and said.isascii() and said.isdecimal()
    return int(said) if asked else None


def _when_again(wait: int | None) -> str:
    if wait is None:
        return "try again in a few minutes"
    at = (words.now() + timedelta(seconds=wait)).astimezone()
    return f"try again in {words.span(wait)}, at {at:%H:%M:%S}"
