"""One prepared statement, handed to libpq without a cursor in between.

A cursor takes a third of a millisecond of Python for each statement, whatever it does. For the statement that writes
check-ins, sent hundreds of times a second, that was a sixth of all the API did.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

_BINARY = 1
_GOOD = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)


class Prepared:
    """`statement` has `$1`, `$2`… of one type each, which its text says. `name`: no other statement's."""

    def __init__(self, name: str, statement: str) -> None:
        self._name = name.encode()
        self._statement = statement.encode()
        self._on: WeakSet[psycopg.AsyncConnection[Any]] = WeakSet()

    async def execute(
        self, connection: psycopg.AsyncConnection[Any], parameters: Sequence[bytes]
    ) -> list[tuple[bytes | None, ...]]:
        """The rows, each value as PostgreSQL sends it in binary. Outside a transaction, what it did is durable then.

        Nothing else may use the connection meanwhile. It is closed when waiting for the answer is given up.
        """
        pgconn = connection.pgconn
        if connection not in self._on:
            await _ask(pgconn, lambda: pgconn.send_prepare(self._name, self._statement))
            self._on.add(connection)
        result = await _ask(
            pgconn,
            lambda: pgconn.send_query_prepared(self._name, parameters, result_format=_BINARY),
        )
        width = range(result.nfields)
        return [tuple(result.get_value(row, column) for column in width) for row in range(result.ntuples)]


async def _ask(pgconn: Any, send: Any) -> Any:
    """Send, and wait until PostgreSQL is ready for the next one: only then has it committed."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[Any]] = loop.create_future()
    results: list[Any] = []

    def readable() -> None:
        try:
            pgconn.consume_input()
            while not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:
                    _settle(done, results)
                    return
                results.append(result)
        except psycopg.Error as error:
            _fail(done, error)

    def writable() -> None:
        try:
            if not pgconn.flush():
                loop.remove_writer(pgconn.socket)
        except psycopg.Error as error:
            _fail(done, error)

    socket = pgconn.socket
    send()
    if pgconn.flush():
        loop.add_writer(socket, writable)
    loop.add_reader(socket, readable)
    try:
        await done
    except BaseException:
        # What comes back would be taken for the answer to the next question.
        loop.remove_reader(socket)
        loop.remove_writer(socket)
        pgconn.finish()
        raise
    loop.remove_reader(socket)
    loop.remove_writer(socket)
    return _checked(done.result())


def _settle(done: "asyncio.Future[list[Any]]", results: list[Any]) -> None:
    if not done.done():
        done.set_result(results)


def _fail(done: "asyncio.Future[list[Any]]", error: Exception) -> None:
    if not done.done():
        done.set_exception(error)


def _checked(results: list[Any]) -> Any:
    """The answer. Raises what PostgreSQL says went wrong, be it at the very end."""
    for result in results:
        if result.status not in _GOOD:
            raise error_from_result(result)
    return results[0]
