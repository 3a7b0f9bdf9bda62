"""`crontopus-server` with stand-ins for the API and the worker: the supervisor is under test, not the service.

Run as a script. `stand_in.py up` supervises `stand_in.py stand-in-api` and `… stand-in-worker`.
"""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from crontopus_api.server import main, up
from crontopus_api.server.children import Program


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
        self.wfile.write(os.environ["CRONTOPUS_DATABASE_URL"].encode())

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def tell_pid() -> None:
    sys.stdout.write(f"pid {os.getpid()}\n")
    sys.stdout.flush()


def api() -> None:
    if "STAND_IN_API_FAILS" in os.environ:
        sys.exit("no such table: everything")
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["CRONTOPUS_PORT"])), Handler)
    tell_pid()
    server.serve_forever()


def worker() -> None:
    if "STAND_IN_WORKER_STUBBORN" in os.environ:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell_pid()
    while True:
        signal.pause()


def programs(*, dev: bool = False) -> list[Program]:
    me = [sys.executable, __file__]
    return [
        Program("api", [*me, "stand-in-api"], stop_seconds=5),
        Program("worker", [*me, "stand-in-worker"], stop_seconds=1),
    ]


if __name__ == "__main__":
    if sys.argv[1] == "stand-in-api":
        api()
    elif sys.argv[1] == "stand-in-worker":
        worker()
    else:
        up.programs = programs
        main()
