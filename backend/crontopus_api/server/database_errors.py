"""What is wrong with the database, for people, in one line that says what to do."""

import psycopg
from sqlalchemy.exc import DBAPIError

_SCHEMA_MISSING = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidParameterValue,  # SET ROLE to one that the migrations make
)


def explain(error: DBAPIError) -> str:
    """One sentence or two, without a traceback's words."""
    if isinstance(error.orig, _SCHEMA_MISSING):
        return "The database has no schema yet, or an older one. Run `crontopus-server migrate` first."
    words = " ".join(str(error.orig).split())
    if isinstance(error.orig, psycopg.OperationalError):
        return f"The database does not answer: {words}"
    return f"The database refuses: {words}"
