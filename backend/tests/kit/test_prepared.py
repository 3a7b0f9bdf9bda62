"""A statement sent past the cursors: its rows, its errors, and a connection that is never left with an answer on it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from crontopus_api.kit.prepared import Prepared

Connection = psycopg.AsyncConnection[Any]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        yield connection


async def test_the_rows_come_in_binary_and_again(connection: Connection) -> None:
    statement = Prepared("doubled", "SELECT x::int, NULL::text FROM generate_series(1, $1::int) AS g(x)")
    for count in (b"2", b"0", b"1"):
        rows = await statement.execute(connection, [count])
        assert rows == [(number.to_bytes(4), None) for number in range(1, int(count) + 1)]
    # Ordinary cursors go on using the connection.
    assert await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def test_more_than_a_socket_holds(connection: Connection) -> None:
    statement = Prepared("length", "SELECT length($1::text), $1::text")
    [(length, text)] = await statement.execute(connection, [b"x" * (5 << 20)])
    assert length is not None
    assert text is not None
    assert int.from_bytes(length) == len(text) == 5 << 20


async def test_what_goes_wrong_is_raised_and_the_connection_lives(connection: Connection) -> None:
    statement = Prepared("divided", "SELECT 1 / $1::int")
    with pytest.raises(psycopg.errors.DivisionByZero):
        await statement.execute(connection, [b"0"])
    assert len(await statement.execute(connection, [b"1"])) == 1


async def test_what_goes_wrong_at_the_commit_is_raised(connection: Connection) -> None:
    await connection.execute("CREATE TABLE chosen (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    twice = Prepared("twice", "INSERT INTO chosen SELECT $1::int FROM generate_series(1, 2) RETURNING id")
    with pytest.raises(psycopg.errors.UniqueViolation):
        await twice.execute(connection, [b"7"])
    assert await (await connection.execute("SELECT count(*) FROM chosen")).fetchone() == (0,)


async def test_a_broken_statement_is_not_taken_for_prepared(connection: Connection) -> None:
    broken = Prepared("broken", "SELECT * FROM nowhere WHERE id = $1")
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            await broken.execute(connection, [b"1"])


async def test_given_up_waiting_closes_the_connection(connection: Connection) -> None:
    slow = Prepared("slow", "SELECT pg_sleep($1::float8)")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await slow.execute(connection, [b"30"])
    assert connection.closed


async def test_a_server_that_goes_away_is_an_operational_error(
    connection: Connection, postgres_url: str
) -> None:
    slow = Prepared("slow", "SELECT pg_sleep($1::float8)")
    backend = connection.info.backend_pid
    waiting = asyncio.ensure_future(slow.execute(connection, [b"30"]))
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as other:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
        while await (await other.execute(asked, (backend,))).fetchone() != (1,):
            pass
        await other.execute("SELECT pg_terminate_backend(%s)", (backend,))
    with pytest.raises(psycopg.OperationalError):
        await waiting
    with pytest.raises(psycopg.OperationalError):
        await slow.execute(connection, [b"0"])
