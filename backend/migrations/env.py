"""Runs migrations on the configured database, or on the embedded one when none is configured."""

from typing import Any

from alembic import context
from sqlalchemy import NullPool, create_engine, text

from crontopus_api import models  # noqa: F401 - registers every table on Base.metadata
from crontopus_api.kit.database import Base, sqlalchemy_url
from crontopus_api.settings import get_settings

# Two processes starting at once must not migrate at once; any fixed number will do.
_MIGRATION_LOCK = 0x43524F4E


def include_object(_: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """What `alembic check` compares: not Procrastinate's tables, not the partitions of ours."""
    if kind == "table" and reflected and compare_to is None and name is not None:
        return not name.startswith(("procrastinate_", "runs_", "run_outputs_"))
    return True


def migrate(url: str) -> None:
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
        # A migration that cannot get its lock fails fast instead of queueing every query behind it.
        connection.execute(text("SET lock_timeout = '5s'"))
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include_object,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


def main() -> None:
    url = context.config.attributes.get("url")
    if url is not None:
        migrate(url)
        return
    from crontopus_api.server.postgres import ensure_database  # noqa: PLC0415 - only when nothing was passed

    with ensure_database(get_settings(), owner=True) as configured:
        migrate(configured)


main()
