"""Collects the figures, area by area: one that cannot be read hides no other."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_admin.health import judgements
from crontopus_admin.health.judgements import Area
from crontopus_api.composition import Services
from crontopus_api.gitstore.errors import GitStoreError
from crontopus_api.kit.overview import TIMEOUT_SECONDS, reading
from crontopus_api.server.database_errors import explain
from crontopus_api.server.migrations import head_revision
from crontopus_api.worker import figures

T = TypeVar("T")

_COMPARED = 2000
"""Repositories whose HEAD is read for one page."""


class HealthService:
    def __init__(self, services: Services) -> None:
        self._database = services.database
        self._git = services.git
        self._settings = services.settings
        self._head = head_revision()

    async def areas(self) -> list[Area]:
        """What needs a look first; otherwise in the order of the way a check-in takes."""
        areas = [
            await self._area("Database", figures.database, lambda f: judgements.database(f, self._head)),
            await self._area("Work", figures.queue, judgements.queue),
            await self._area("Deadlines", figures.schedule, judgements.schedule),
            await self._area("Check-ins, last hour", figures.ingest, judgements.ingest),
            await self._area("Deliveries", figures.alerts, judgements.alerts),
            await self._git_area(),
            self._disk(),
        ]
        return sorted(areas, key=lambda area: area.level == "fine")

    async def _area(
        self, title: str, read: Callable[[AsyncSession], Awaitable[T]], judge: Callable[[T], Area]
    ) -> Area:
        try:
            async with reading(self._database) as session:
                return judge(await read(session))
        except DBAPIError as error:
            return judgements.unreadable(title, explain(error))

    async def _git_area(self) -> Area:
        behind = None
        if self._settings.git_host == "forgejo" or self._settings.repositories_dir.is_dir():
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    behind = await self._behind()
            except DBAPIError as error:
                return judgements.unreadable("Git", explain(error))
            except TimeoutError:
                reason = (
                    f"The repositories' HEADs could not be read within {TIMEOUT_SECONDS} s: see to the disk."
                )
                return judgements.unreadable("Git", reason)
        return await self._area("Git", figures.git, lambda found: judgements.git(found, behind))

    async def _behind(self) -> int:
        async with reading(self._database) as session:
            projected = await figures.projected_heads(session, _COMPARED)
        try:
            heads = await self._git.heads(slug for slug, _ in projected)
        except GitStoreError:
            return len(projected)  # unreadable: a worker cannot project them either
        return sum(heads.get(slug) != commit for slug, commit in projected)

    def _disk(self) -> Area:
        directory = self._settings.data_dir
        place = next(path for path in (directory, *directory.parents) if path.exists())
        usage = shutil.disk_usage(place)
        return judgements.disk(usage.free, usage.total, str(directory))
