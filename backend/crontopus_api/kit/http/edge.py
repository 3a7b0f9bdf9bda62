"""The edge: every request comes in and every answer goes out through here.

It costs pings as little as can be (a microsecond or two): they get a caller, a request id and two headers. Requests
for the API and the console are looked at before a route sees them.
"""

import itertools
import os
import re
from collections.abc import Sequence

from crontopus_api.kit.caller import REQUEST_ID, current_caller, note_caller
from crontopus_api.kit.errors import CrontopusError
from crontopus_api.kit.http.asgi import LEAVING, App, Message, Receive, Scope, Send
from crontopus_api.kit.http.bodies import Bodies, Gone, Malformed
from crontopus_api.kit.http.headers import SecurityHeaders, with_defaults
from crontopus_api.kit.http.proxies import Network, Proxies
from crontopus_api.kit.limits import RateLimits, collect_standings, tightest
from crontopus_api.kit.problems import from_error

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_OIDC = "/api/v1/auth/oidc/"
# Machines: many of one house may come at once.
_MACHINES = ("/api/v1/endpoints/enroll", "/api/v1/endpoints/self/rotate-token")
_STRANGERS = ("/api/v1/auth/", "/api/v1/invitations/preview", *_MACHINES)
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_PROCESS = os.urandom(6).hex()
_counted = itertools.count(1)


class Edge:
    def __init__(
        self,
        *,
        trusted_proxies: Sequence[Network] = (),
        client_header: str | None = None,
        https: bool = False,
        limits: RateLimits | None = None,
    ) -> None:
        self._limits = limits
        self._proxies = Proxies(trusted_proxies, client_header) if trusted_proxies else None
        self.headers = SecurityHeaders.of(https=https)
        self._door_lines = b"".join(b"%b: %b\r\n" % header for header in self.headers.doors)
        self._bodies = Bodies()

    def arrive(self, scope: Scope) -> None:
        """Note who calls, and give the request its id."""
        scope[REQUEST_ID] = self._request_id(scope)
        note_caller(scope)

    def _request_id(self, scope: Scope) -> str:
        made = f"{_PROCESS}{next(_counted):08x}"
        if self._proxies is None or scope["client"] is None:
            return made
        return self._as_proxies_say(self._proxies, scope) or made

    def _as_proxies_say(self, proxies: Proxies, scope: Scope) -> str | None:
        """Put the client in the place of a trusted proxy. The request id it gave, if it did."""
        peer = scope["client"][0]
        if not proxies.trusts(peer):
            return None
        headers = dict(scope["headers"])
        scope["client"] = (proxies.client(peer, scope["headers"]), 0)
        protocol = headers.get(b"x-forwarded-proto", b"").split(b",")[-1].strip().lower()
        if protocol in {b"http", b"https"}:
            scope["scheme"] = protocol.decode()
        given = headers.get(b"x-request-id", b"")
        return given.decode() if _REQUEST_ID.fullmatch(given) else None

    def at_door(self, scope: Scope) -> None:
        """The doors of check-ins put these on their answers themselves: a wrapper around `send` costs as much again."""
        scope[LEAVING] = (*self.headers.doors, (b"x-request-id", scope[REQUEST_ID].encode()))

    def at_express_door(self, scope: Scope) -> bytes:
        """The same, as they go out: of requests that are answered before anybody asks who called."""
        return b"%bx-request-id: %b\r\n" % (self._door_lines, self._request_id(scope).encode())

    def leaving(self, send: Send, scope: Scope) -> Send:
        """For everything else."""
        defaults = [*self.headers.for_path(scope["path"]), (b"x-request-id", scope[REQUEST_ID].encode())]
        standings = collect_standings()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                if standings:
                    defaults.extend(tightest(standings).headers())
                message["headers"] = with_defaults(message.get("headers", ()), defaults)
            await send(message)

        return sending

    async def guarded(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through to the API and console, once its address and body are in order."""
        try:
            _check_address(scope)
            if self._limits is not None:
                await _count_stranger(self._limits, scope)
            body = await self._bodies.take(scope, receive)
        except Gone:
            return
        except CrontopusError as error:
            await from_error(error)(scope, receive, send)
            return
        try:
            await app(scope, body.replayed(receive), send)
        finally:
            body.forget()


def _check_address(scope: Scope) -> None:
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        raise Malformed("The address holds a NUL character.", code="nul_character")


async def _count_stranger(limits: RateLimits, scope: Scope) -> None:
    """Who is not known yet is counted by address, before their password costs anything to check."""
    path: str = scope["path"]
    if not path.startswith(_STRANGERS) or (scope["method"] in _READING and not path.startswith(_OIDC)):
        return
    machine = path in _MACHINES
    limit = limits.policies.enroll if machine else limits.policies.auth
    await limits.take(limit, "address", path if machine else "auth", current_caller().network)
