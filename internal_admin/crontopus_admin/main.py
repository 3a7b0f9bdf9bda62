"""`crontopus-admin`: one process of its own, apart from the API. Expected failures are one line."""

import asyncio
import logging
import signal
import sys

from sqlalchemy.exc import DBAPIError

from crontopus_admin.app import create_app
from crontopus_api.composition import compose
from crontopus_api.identity.operators import OperatorService
from crontopus_api.kit import log
from crontopus_api.kit.clock import SystemClock
from crontopus_api.kit.database import Database
from crontopus_api.server import checks
from crontopus_api.server.api import serve
from crontopus_api.server.database_errors import explain
from crontopus_api.server.errors import ServerError
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings, SettingsError, get_settings


def main() -> None:
    """Serves until SIGTERM or Ctrl-C; exit code 2 for a wrong setting, 1 for what else keeps it from starting."""
    try:
        run(get_settings())
    except SettingsError as error:
        _fail(str(error), 2)
    except ServerError as error:
        _fail(str(error), 1)
    except KeyboardInterrupt:
        pass  # asked to stop: everything has been put away


def run(settings: Settings) -> None:
    # uvicorn raises the signal that stopped it again: by default SIGTERM would end us with PostgreSQL left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    checks.bindable(settings.admin_host, settings.admin_port, "CRONTOPUS_ADMIN_PORT")
    checks.data_directory(settings)
    log.configure(settings.log_level, settings.log_format)
    # It logs names people type at log-in, and every refusal; `auth` logs what matters of that.
    logging.getLogger("starlette_admin").setLevel(logging.ERROR)
    with ensure_database(settings) as url:
        asyncio.run(_greet(settings, url))
        services = compose(settings, url)
        where = {"host": settings.admin_host, "port": settings.admin_port}
        serve(create_app(services), settings.model_copy(update=where))


async def _greet(settings: Settings, url: str) -> None:
    """Say where it is, and what is missing. Raises ServerError when the database cannot be used at all."""
    database = Database(url, pool_size=1)
    try:
        operators = await OperatorService(database, SystemClock()).all()
    except DBAPIError as error:
        raise ServerError(explain(error)) from error
    finally:
        await database.close()
    host = settings.admin_host if ":" not in settings.admin_host else f"[{settings.admin_host}]"
    sys.stderr.write(f"The internal admin is at http://{host}:{settings.admin_port}\n")
    if not any(operator.disabled_at is None for operator in operators):
        sys.stderr.write("Nobody can sign in yet. Make an operator: crontopus-server operator create NAME\n")


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"crontopus-admin: {message}\n")
    raise SystemExit(code)


if __name__ == "__main__":
    main()
