"""`crontopus-server operator …`: who may use the internal admin. There is no other way to make an operator."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from crontopus_api.server.errors import ServerError
from crontopus_api.settings import get_settings

if TYPE_CHECKING:
    from crontopus_api.identity.operators import OperatorService
    from crontopus_api.kit.audit import Actor

T = TypeVar("T")

app = typer.Typer(help="Operators of the internal admin.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="2 to 40 lower-case letters, digits and hyphens.")],
    *,
    password_file: Annotated[
        str | None, typer.Option(help="Read the password from this file, or from standard input for -.")
    ] = None,
) -> None:
    """Make an operator. Asks for the password twice unless a file is given."""
    password = _ask_password() if password_file is None else _read_password(password_file)
    operator = _with_operators(lambda operators: operators.create(username=name, password=password, by=me()))
    typer.echo(f"Operator {operator.username} may sign in to the internal admin.")


@app.command("list")
def list_operators() -> None:
    """All operators, disabled ones included."""
    table = Table("name", "made", "disabled", box=None)
    for operator in _with_operators(lambda operators: operators.all()):
        ended = f"{operator.disabled_at:%Y-%m-%d %H:%M} UTC" if operator.disabled_at else "-"
        table.add_row(operator.username, f"{operator.created_at:%Y-%m-%d %H:%M} UTC", ended)
    Console(highlight=False).print(table)


@app.command()
def disable(name: Annotated[str, typer.Argument(help="The operator's name.")]) -> None:
    """Sign an operator out for good. The name stays taken."""
    _with_operators(lambda operators: operators.disable(name, by=me()))
    typer.echo(f"Operator {name} is disabled and signed out.")


def me() -> "Actor":
    """Who types the command: an account of the machine, for there is no other name."""
    from crontopus_api.kit.audit import Actor  # noqa: PLC0415 - the other commands start without all this

    return Actor("system", None, f"{getpass.getuser()}, crontopus-server")


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise ServerError(
            "There is no terminal to ask for the password on. Give --password-file FILE, or - for standard input."
        )
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise ServerError("The two passwords differ; no operator was made.")
    return password


def _read_password(source: str) -> str:
    """Without the line's end, which editors and `echo` add."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ServerError(f"The password file {source} cannot be read: {reason}.") from error
    return text.rstrip("\r\n")


def _with_operators(work: "Callable[[OperatorService], Awaitable[T]]") -> T:
    """Run `work` on the configured database, or on the embedded one. Raises ServerError with one line."""
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - the other commands start without all this

    from crontopus_api.identity.operators import OperatorService  # noqa: PLC0415
    from crontopus_api.kit.clock import SystemClock  # noqa: PLC0415
    from crontopus_api.kit.database import Database  # noqa: PLC0415
    from crontopus_api.kit.errors import CrontopusError  # noqa: PLC0415
    from crontopus_api.server.database_errors import explain  # noqa: PLC0415
    from crontopus_api.server.postgres import ensure_database  # noqa: PLC0415

    async def run(url: str) -> T:
        database = Database(url, pool_size=1)
        try:
            return await work(OperatorService(database, SystemClock()))
        finally:
            await database.close()

    with ensure_database(get_settings()) as url:
        try:
            return asyncio.run(run(url))
        except CrontopusError as error:
            raise ServerError(error.message) from error
        except DBAPIError as error:
            raise ServerError(explain(error)) from error
