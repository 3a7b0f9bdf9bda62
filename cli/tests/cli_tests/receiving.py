"""A real HTTP server that webhooks are sent to."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cli_tests.running import LIMIT_SECONDS


class Receiver:
    """Takes webhooks, or refuses them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 204
        self._came: queue.Queue[dict[str, Any]] = queue.Queue()

    def take(self, content: bytes) -> None:
        self._came.put(json.loads(content))

    def next(self, wanted: str) -> dict[str, Any]:
        """The next message of that type."""
        while True:
            message = self._came.get(timeout=LIMIT_SECONDS)
            if message["type"] == wanted:
                return message


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(state.status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            state.take(content)

        def log_message(self, *_arguments: object) -> None:
            """Not on the tests' stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state = Receiver(f"http://127.0.0.1:{http.server_port}/hook")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            http.shutdown()
            thread.join()
