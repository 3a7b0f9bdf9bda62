"""The deadline scanner's connection, kept from round to round."""

import asyncio
import time

import psycopg

from crontopus_api.checkins import store
from crontopus_api.checkins.scanner import scan_once
from crontopus_api.kit.database import Database


class Scanner:
    """`scanned_at`: when a round was last done, by the monotonic clock. `found`: set when a round found something, so
    that there is something to tell."""

    def __init__(self, database: Database) -> None:
        self.found = asyncio.Event()
        self._database = database
        self._connection: psycopg.AsyncConnection | None = None
        self.scanned_at: float | None = None

    async def round(self) -> int:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connected()
        try:
            found = await scan_once(self._connection)
        except psycopg.Error:
            await self._connection.close()
            raise
        self.scanned_at = time.monotonic()
        if found:
            self.found.set()
        return found

    async def _connected(self) -> psycopg.AsyncConnection:
        connection = await self._database.connect_direct()
        await store.by_keys(connection)
        await connection.commit()
        return connection

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
