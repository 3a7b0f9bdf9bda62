"""Who may read a process's figures, and where a process without an API shows them."""

import hmac
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

StartResponse = Callable[..., Any]


@dataclass(frozen=True)
class Readers:
    """Whoever knows `token`. Without a token everybody, or nobody where `closed`."""

    token: str | None
    closed: bool = False

    def admit(self, authorization: str) -> bool:
        """`authorization`: the header's value, empty when there is none."""
        if self.token is None:
            return not self.closed
        scheme, _, given = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self.token.encode())


@contextmanager
def served(host: str, port: int, readers: Readers) -> Iterator[int]:
    """Answers /metrics from a thread of its own, so that a worker whose loop is stuck still tells so. Yields the
    port."""
    metrics = make_wsgi_app()

    def app(environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/metrics":
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not found\n"]
        if not readers.admit(environ.get("HTTP_AUTHORIZATION", "")):
            start("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Type", "text/plain")])
            return [b"CRONTOPUS_METRICS_TOKEN is asked for\n"]
        answer: Iterable[bytes] = metrics(environ, start)
        return answer

    with make_server(host, port, app, _Server, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    timeout = 10
    """Seconds for a request to arrive."""

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads a line per scrape."""
