"""The `crontopus-server` command line. Expected failures are one line on stderr, never a traceback."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from crontopus_api.server import account, operator
from crontopus_api.server.errors import ServerError
from crontopus_api.settings import SettingsError, get_settings

EXIT_FAILED = 1
EXIT_USAGE = 2

app = typer.Typer(
    name="crontopus-server",
    help="Runs Crontopus. Settings are environment variables CRONTOPUS_*.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(operator.app, name="operator")
app.add_typer(account.app, name="account")


@app.command()
def up(
    *,
    dev: Annotated[
        bool, typer.Option("--dev", help="Reload the API on change; run the Vite server.")
    ] = False,
) -> None:
    """Run everything: PostgreSQL (unless configured), migrations, API, worker and console."""
    from crontopus_api.server import up as supervisor  # noqa: PLC0415 - each command loads only what it needs

    supervisor.up(get_settings(), run=supervisor.programs(dev=dev))


@app.command()
def api(
    *, reload: Annotated[bool, typer.Option("--reload", help="Start again on every change.")] = False
) -> None:
    """Run one API process."""
    from crontopus_api.server import api as server  # noqa: PLC0415

    server.run(get_settings(), reload=reload)


@app.command()
def ingest() -> None:
    """Run one process that takes pings and telemetry, and nothing else: for a ping host of its own."""
    from crontopus_api.server import api as server  # noqa: PLC0415

    server.run(get_settings(), "ingest")


@app.command()
def worker() -> None:
    """Run one worker process."""
    import uvloop  # noqa: PLC0415

    from crontopus_api.kit import log  # noqa: PLC0415
    from crontopus_api.worker.main import run as work  # noqa: PLC0415

    settings = get_settings()
    log.configure(settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_told(work(settings)))


async def _until_told(work: Coroutine[None, None, None]) -> None:
    """Runs the work until SIGINT or SIGTERM, which cancel it: what it has in hand it may finish."""
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from crontopus_api.server.migrations import migrate as upgrade  # noqa: PLC0415
    from crontopus_api.server.postgres import ensure_database  # noqa: PLC0415

    settings = get_settings()
    with ensure_database(settings, owner=True) as url:
        upgrade(url)
    typer.echo("The database schema is up to date.")


_NO_DATABASE = typer.Option("--no-database", help="Leave the database to your own means.")


@app.command()
def backup(
    directory: Annotated[Path, typer.Argument(help="A new directory; made when all of it is there.")],
    *,
    no_database: Annotated[bool, _NO_DATABASE] = False,
) -> None:
    """Write the database and all repositories to a directory, while Crontopus runs."""
    from crontopus_api.server.backup import backup as write  # noqa: PLC0415

    write(get_settings(), directory, database=not no_database, say=typer.echo)


@app.command()
def restore(
    directory: Annotated[Path, typer.Argument(help="What `backup` wrote.")],
    *,
    no_database: Annotated[bool, _NO_DATABASE] = False,
) -> None:
    """Put a backup back into an empty data directory. Crontopus must not run."""
    from crontopus_api.server.restore import restore as put_back  # noqa: PLC0415

    put_back(get_settings(), directory, database=not no_database, say=typer.echo)


@app.command()
def reproject(
    tenants: Annotated[
        list[str] | None, typer.Argument(metavar="[TENANT]...", help="Their slugs; without any, all tenants.")
    ] = None,
) -> None:
    """Rebuild the jobs in the database from Git, and tell what was different.

    Runs, status, ping keys and history stay. Safe at any time, also while everything runs. Exit code 1 when
    something had to be put right.
    """
    from crontopus_api.server.reproject import reproject as rebuild  # noqa: PLC0415

    if not asyncio.run(rebuild(get_settings(), tenants or [])):
        raise typer.Exit(EXIT_FAILED)


@app.command("rotate-keys")
def rotate_keys(
    *,
    new: Annotated[
        bool, typer.Option("--new", help="First generate another secret. Crontopus must not run.")
    ] = False,
) -> None:
    """Seal with CRONTOPUS_SECRET_KEY what CRONTOPUS_SECRET_KEY_PREVIOUS sealed.

    Everything may run meanwhile, with both set. Safe to interrupt and to repeat.
    """
    from crontopus_api.server.restore import while_stopped  # noqa: PLC0415
    from crontopus_api.server.rotation import rotate  # noqa: PLC0415
    from crontopus_api.settings import renew_secret_key  # noqa: PLC0415

    settings = get_settings()
    if new:
        with while_stopped(settings):
            renew_secret_key(settings)
    asyncio.run(rotate(settings, Console(highlight=False, stderr=True)))
    typer.echo("Old badge addresses and links work until you take the previous secret away.")


@app.command()
def doctor() -> None:
    """Check what Crontopus needs; exit 1 when something is wrong."""
    from crontopus_api.server.doctor import examine  # noqa: PLC0415

    table = Table("", "what", "finding", box=None, show_header=False)
    failed = False
    for finding in examine(get_settings()):
        failed = failed or not finding.ok
        table.add_row("[green]ok[/]" if finding.ok else "[red]no[/]", finding.subject, finding.text)
    Console(highlight=False).print(table)
    if failed:
        raise typer.Exit(EXIT_FAILED)


def run() -> None:
    """Runs the command line and turns expected failures into one line."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr] # both are text files here
    try:
        app()
    except SettingsError as error:
        _fail(str(error), EXIT_USAGE)
    except ServerError as error:
        _fail(str(error), EXIT_FAILED)
    except BrokenPipeError:
        os._exit(EXIT_FAILED)  # whoever read our output has left; there is nobody to tell


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"crontopus-server: {message}\n")
    raise SystemExit(code)
