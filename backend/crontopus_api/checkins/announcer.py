"""Tells open pages that runs came in: at most four times a second, whatever comes in."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

import psycopg

from crontopus_api.live.topics import announce_raw

# NOTIFY takes a lock of the whole database at commit: not for every batch.
_EVERY_SECONDS = 0.25


class Announcer:
    """`wake` is called when something has become due."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._tenants: set[UUID] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._sent_at = 0.0
        self.due = False

    def note(self, tenant_ids: Iterable[UUID]) -> None:
        self._tenants.update(tenant_ids)
        if self._tenants and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._sent_at + _EVERY_SECONDS), self._ripe)

    def _ripe(self) -> None:
        self.due = True
        self._wake()

    async def send(self, connection: psycopg.AsyncConnection[Any]) -> None:
        tenants = self._tenants
        self.forget()
        self._sent_at = asyncio.get_running_loop().time()
        await announce_raw(connection, tenants, ("runs", "jobs"))

    def forget(self) -> None:
        """A hint that cannot be sent is no loss: pages ask again by themselves."""
        if self._timer is not None:
            self._timer.cancel()
        self._tenants, self._timer, self.due = set(), None, False
