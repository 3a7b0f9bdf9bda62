"""Which door a request is for."""

import re

from crontopus_api.checkins.doors.asgi import Door
from crontopus_api.checkins.doors.cronitor import CronitorDoor, is_telemetry
from crontopus_api.checkins.doors.envelopes import EnvelopeDoor, is_envelope
from crontopus_api.checkins.doors.healthchecks import HealthchecksDoor
from crontopus_api.checkins.doors.reporting import Reporter
from crontopus_api.checkins.doors.sentry import SentryDoor, is_cron
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.http.asgi import Scope

# Load balancers ask for these on any host.
_NOT_PINGS = frozenset({"/healthz", "/readyz"})
_FIGURES = "/metrics"
_PORT = re.compile(r":[0-9]+\Z")


class Doors:
    """`ping_host`: the host name on which every path is a ping, with or without `/ping` before it; with `nothing_else`
    every host is."""

    def __init__(
        self, reporter: Reporter, clock: Clock, ping_host: str | None, *, nothing_else: bool = False
    ) -> None:
        self._ping_host = ping_host.lower().encode() if ping_host else None
        self._nothing_else = nothing_else
        self._healthchecks = HealthchecksDoor(reporter)
        self._cronitor = CronitorDoor(reporter, clock)
        self._sentry = SentryDoor(reporter)
        self._envelopes = EnvelopeDoor(reporter)

    def find(self, scope: Scope) -> Door | None:
        """None: the request is for somebody else. On the ping host the path becomes the one it stands for."""
        path, query = scope["path"], scope["query_string"]
        door = self._by_path(path, query)
        if door is not None or path in _NOT_PINGS or not self._is_for_pings(scope):
            return door
        scope["path"] = f"/ping{path}"
        return self._by_path(scope["path"], query)

    def _by_path(self, path: str, query: bytes) -> Door | None:
        if is_telemetry(path, query):
            return self._cronitor
        if path.startswith("/ping/"):
            return self._healthchecks
        if is_cron(path):
            return self._sentry
        return self._envelopes if is_envelope(path) else None

    def _is_for_pings(self, scope: Scope) -> bool:
        if self._nothing_else:
            return bool(scope["path"] != _FIGURES)
        if self._ping_host is None:
            return False
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        text = bytes(host).lower()
        return text == self._ping_host or _PORT.sub("", text.decode("latin-1")).encode() == self._ping_host
