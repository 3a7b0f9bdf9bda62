"""`crontopus-server up`: PostgreSQL, API and worker in one go, and a sure end for all of them."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from crontopus_api.server import checks
from crontopus_api.server.children import Child, Program
from crontopus_api.server.errors import AlreadyRunningError, CheckError, ServerError
from crontopus_api.server.locks import FileLock
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import EmbeddedPostgres, using
from crontopus_api.settings import Settings

READY_SECONDS = 180  # a busy small machine; a process that keeps ending is noticed at once
START_ATTEMPTS = 3
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
COLOURS = {"api": "cyan", "worker": "magenta", "console": "blue", "postgres": "yellow"}


def programs(*, dev: bool = False) -> list[Program]:
    """What `up` runs beside PostgreSQL, in the order in which it is stopped."""
    server = [sys.executable, "-m", "crontopus_api.server"]
    found = [
        Program("api", [*server, "api", *(["--reload"] if dev else [])]),
        Program("worker", [*server, "worker"]),
    ]
    if dev:
        frontend = Path(__file__).resolve().parents[3] / "frontend"
        found.append(Program("console", ["node", "node_modules/vite/bin/vite.js"], frontend, stop_seconds=3))
    return found


def up(settings: Settings, *, run: Sequence[Program] | None = None, console: Console | None = None) -> None:
    """Runs everything until Ctrl-C or SIGTERM. Raises ServerError when it cannot be started."""
    console = console or Console(highlight=False, soft_wrap=True)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            supervisor = _prepare(settings, stack, console)
            asyncio.run(supervisor.supervise(run or programs()))
            for number in STOP_SIGNALS:  # impatience must not leave PostgreSQL behind
                signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        pass  # asked to stop while starting: the stack has put everything away
    console.print("Stopped. Your data is kept.")


def _prepare(settings: Settings, stack: ExitStack, console: Console) -> "Supervisor":
    """Checks, the lock, PostgreSQL and the migrations. What it starts ends with the stack."""
    began = time.monotonic()
    directory = checks.data_directory(settings)
    _take(stack.enter_context(FileLock(settings.data_dir / "up.lock")), settings)
    _tell(console, directory)
    for check in (checks.git, checks.secret_key, checks.disk, checks.database, checks.port):
        _tell(console, check(settings))
    try:
        _tell(console, checks.console(settings))
    except CheckError as error:
        console.print(f"[yellow]![/] {escape(str(error))}")
    server, url = None, settings.database_url
    if url is None:
        server = EmbeddedPostgres(settings.postgres_dir)
        with _working(console, "Starting PostgreSQL…"):
            owner_url = stack.enter_context(using(server))
        url = server.service_url
        _tell(console, f"PostgreSQL (process {server.pid})")
    else:
        owner_url = settings.migration_url or url
    with _working(console, "Migrating the database…"):
        migrate(owner_url)
    _tell(console, "Database schema is up to date")
    return Supervisor(settings, url, server, console, began)


def _take(lock: FileLock, settings: Settings) -> None:
    if lock.take(wait=False):
        lock.write(json.dumps({"pid": os.getpid(), "address": settings.base_url}))
        return
    holder = {"pid": "?", "address": "an unknown address"}
    with suppress(OSError, ValueError):  # it may be writing it at this moment
        holder |= json.loads(lock.path.read_text())
    raise AlreadyRunningError(
        f"Crontopus is already running on {settings.data_dir}: process {holder['pid']}, {holder['address']}. "
        "Stop it first, or give this one another CRONTOPUS_DATA_DIR and CRONTOPUS_PORT."
    )


class Supervisor:
    """The running part: children, PostgreSQL's health, readiness, and the way down."""

    def __init__(
        self, settings: Settings, url: str, server: EmbeddedPostgres | None, console: Console, began: float
    ) -> None:
        self.server = server
        self._settings = settings
        self._url = url
        self._console = console
        self._began = began
        self._width = 8

    async def supervise(self, run: Sequence[Program]) -> None:
        """Returns when asked to stop, with all children gone. Raises ServerError when the API never answers."""
        stop = asyncio.Event()
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        environment = {**os.environ, "CRONTOPUS_DATABASE_URL": self._url, "PYTHONUNBUFFERED": "1"}
        # Who serves shall not even know how to log in as the owner.
        for name in ("CRONTOPUS_DATABASE_OWNER_URL", "CRONTOPUS_DATABASE_OWNER_URL_FILE"):
            environment.pop(name, None)
        children = [Child(program, environment, self._say) for program in run]
        self._width = max(len(child.program.name) for child in children)
        tasks = [asyncio.create_task(child.run()) for child in children]
        tasks.append(asyncio.create_task(self._keep_postgres()))
        try:
            await _unless(stop, self._await_ready(children, tasks))
            if not stop.is_set():
                self._announce()
                await _unless(stop, _first_failure(tasks))
            self._console.print("\nStopping…")
        finally:
            for child in children:
                await child.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _await_ready(self, children: Sequence[Child], tasks: Sequence[asyncio.Task[None]]) -> None:
        address = f"{self._settings.model_copy(update={'public_url': None}).base_url}/readyz"
        deadline = time.monotonic() + READY_SECONDS
        answer = "it does not answer"
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            while time.monotonic() < deadline:
                with suppress(httpx.TransportError):
                    response = await client.get(address)
                    if response.status_code == 200:
                        return
                    answer = f"{address} answers {response.status_code}: {response.text[:200]}"
                for child, task in zip(children, tasks, strict=False):
                    if task.done():
                        task.result()
                    if child.failures >= START_ATTEMPTS:
                        name = child.program.name
                        raise ServerError(
                            f"Crontopus does not start: its {name} process keeps ending (see above)."
                        )
                await asyncio.sleep(0.1)
        raise ServerError(f"The API is not ready after {READY_SECONDS} s: {answer}.")

    async def _keep_postgres(self) -> None:
        """Starts PostgreSQL again if it ends by itself (killed when memory ran out, for example)."""
        while self.server is not None:
            await asyncio.sleep(1)
            if self.server.running:
                continue
            self._say("postgres", "is gone; starting it again")
            try:
                await asyncio.to_thread(self.server.start)
            except ServerError as error:
                self._say("postgres", str(error))

    def _say(self, name: str, line: str) -> None:
        prefix = Text(f"{name:>{self._width}} │ ", style=COLOURS.get(name, "green"))
        self._console.print(prefix + Text(line))

    def _announce(self) -> None:
        address = self._settings.base_url
        self._console.print(NEXT.format(address=escape(address), seconds=time.monotonic() - self._began))


NEXT = """
[bold green]Crontopus is running at {address}[/] ({seconds:.1f} s)

What to do next:
 1. Open {address} and create an account. Under Settings, make an API token.
 2. A first job, told by ping: its "ping_url" is in the answer; curl it when your script has run.
      curl -X PUT {address}/api/v1/jobs/default/hello -H "Authorization: Bearer $TOKEN" \\
           -H "Content-Type: application/json" -d '{{"spec": {{"schedule": "every 15m"}}}}'
 3. A first machine whose crontab is managed: under Endpoints, make an enrolment token.
      agent/build/crontopus-agent enroll --server {address} --token $ENROLMENT_TOKEN
      agent/build/crontopus-agent run

Ctrl-C stops everything; your data stays.
"""


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Waits for the work or for the wish to stop, whichever comes first. The work's error is raised here."""
    task, waiting = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task.done():
        task.result()
    else:
        task.cancel()


async def _first_failure(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Waits until one fails. Unlike gather it leaves them running when it is cancelled: they pass on the last lines."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()


@contextmanager
def _working(console: Console, text: str) -> Iterator[None]:
    with console.status(text):
        yield


def _tell(console: Console, text: str) -> None:
    console.print(f"[green]✓[/] {escape(text)}")
