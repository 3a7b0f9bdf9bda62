"""Keeps every tenant's repository made and projected, whatever process was killed meanwhile."""

import structlog
from sqlalchemy.exc import SQLAlchemyError

from crontopus_api.composition import Services
from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.gitstore.errors import GitStoreError, GitUnavailable
from crontopus_api.gitstore.metrics import BEHIND
from crontopus_api.jobs.repositories import Standing, all_standings
from crontopus_api.kit.database import Scope

log = structlog.get_logger()


class RepositoryUpkeep:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def round(self) -> int:
        """Make what is missing, project what has moved. Answers 0: there is no hurry for the next round."""
        standings = await _standings(self._services)
        try:
            heads = await self._services.git.heads(at.slug for at in standings if at.made)
        except GitUnavailable as error:
            # What is projected stays in force; this is the fallback, and the next round is near.
            log.warning("repository_heads_unknown", error=str(error))
            return 0
        BEHIND.set(sum(at.made and heads.get(at.slug) != at.projected_commit for at in standings))
        for at in standings:
            try:
                if not at.made:
                    await self._services.changes.ensure_repository(at.tenant_id)
                elif heads.get(at.slug) != at.projected_commit:
                    await self._services.projector.project(at.tenant_id)
            except (GitStoreError, SQLAlchemyError, OSError) as error:
                # One tenant's broken repository must not keep the others waiting.
                log.warning("repository_upkeep_failed", tenant_id=str(at.tenant_id), error=str(error))
        return 0


class RepositoryMaintenance:
    """Keeps the repositories that this installation holds itself small and quick: `git gc` by need."""

    def __init__(self, services: Services, host: EmbeddedGitHost) -> None:
        self._services = services
        self._host = host

    async def round(self) -> int:
        """One repository after the other: maintenance is work for a core and a disk."""
        await self._host.clear_leftovers()
        for at in await _standings(self._services):
            try:
                reason = await self._host.maintenance_due(at.slug) if at.made else None
                if reason is not None:
                    report = await self._host.maintain(at.slug)
                    seconds = round(report.seconds, 1) if report else None
                    log.info("repository_maintained", slug=at.slug, reason=reason, seconds=seconds)
            except (GitStoreError, OSError) as error:
                log.warning("repository_maintenance_failed", slug=at.slug, error=str(error))
        return 0


async def _standings(services: Services) -> list[Standing]:
    async with services.database.session(Scope(role="crontopus_scanner")) as session:
        return await all_standings(session)
