"""Brings a database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from crontopus_api.server.errors import ServerError

CONFIG = Path(__file__).resolve().parents[2] / "alembic.ini"


def config_for(url: str) -> Config:
    """Alembic's configuration for one database (any `postgresql://` address)."""
    if not CONFIG.is_file():
        raise ServerError(
            f"The migrations are missing: there is no {CONFIG}. This installation is not complete."
        )
    config = Config(CONFIG)
    config.attributes["url"] = url
    return config


def head_revision() -> str:
    """The newest schema that this installation knows."""
    head = ScriptDirectory.from_config(config_for("")).get_current_head()
    assert head is not None  # there are migrations, and they do not fork
    return head


def migrate(url: str) -> None:
    """Runs the migrations that are missing. Raises ServerError with the database's own words."""
    try:
        command.upgrade(config_for(url), "head")
    except DBAPIError as error:
        raise ServerError(
            f"The database cannot be migrated: {str(error.orig).strip().splitlines()[0]}"
        ) from error
    except CommandError as error:
        raise ServerError(f"The database cannot be migrated: {error}") from error
