from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from crontopus_api.kit.errors import Unavailable


@contextmanager
def needing_database() -> Iterator[None]:
    """A database that is away is no fault of the request: the sender is told to come again."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, OSError) as error:
        raise Unavailable("The database is away.", retry_after_seconds=5) from error
