"""Who watches Crontopus: an address elsewhere that hears from us only while check-ins and deadlines get done."""

import time
from datetime import timedelta

import httpx
import structlog
from sqlalchemy import text

from crontopus_api.checkins.heartbeats import SILENCE
from crontopus_api.kit.database import Database, Scope
from crontopus_api.worker.scanning import Scanner

log = structlog.get_logger()

_SCANNED_WITHIN = timedelta(seconds=30)
_TIMEOUT_SECONDS = 10


class Watchdog:
    def __init__(self, database: Database, scanner: Scanner, url: str) -> None:
        self._database = database
        self._scanner = scanner
        self._url = url

    async def round(self) -> int:
        """Ping, or be silent and say in the log why. Answers 0."""
        trouble = await self._trouble()
        if trouble is not None:
            log.error("watchdog_not_pinged", reason=trouble)
            return 0
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as client:
                (await client.get(self._url)).raise_for_status()
        except httpx.HTTPError as error:
            # It will raise the alarm itself: that is what it is for.
            log.warning("watchdog_unreachable", error=type(error).__name__)
        return 0

    async def _trouble(self) -> str | None:
        scanned = self._scanner.scanned_at
        if scanned is None or time.monotonic() - scanned > _SCANNED_WITHIN.total_seconds():
            return "no deadline was looked for lately"
        async with self._database.session(Scope(role="crontopus_scanner")) as session:
            silent = await session.scalar(
                text("SELECT max(at) < clock_timestamp() - :silence FROM ingest_heartbeats"),
                {"silence": SILENCE},
            )
        return None if silent is False else "no process can store check-ins"
