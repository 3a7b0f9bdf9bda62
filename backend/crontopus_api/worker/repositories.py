"""Keeps every tenant's repository made and projected, whatever process was killed meanwhile."""

import structlog
from sqlalchemy.exc import SQLAlchemyError

from crontopus_api.composition import Services
from crontopus_api.gitstore.errors import GitStoreError
from crontopus_api.jobs.repositories import all_standings
from crontopus_api.kit.database import Scope

log = structlog.get_logger()


class RepositoryUpkeep:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def round(self) -> int:
        """Make what is missing, project what has moved. Answers 0: there is no hurry for the next round."""
        async with self._services.database.session(Scope(role="crontopus_scanner")) as session:
            standings = await all_standings(session)
        for at in standings:
            try:
                if not at.made:
                    await self._services.changes.ensure_repository(at.tenant_id)
                elif await self._services.git.head(at.slug) != at.projected_commit:
                    await self._services.projector.project(at.tenant_id)
            except (GitStoreError, SQLAlchemyError, OSError) as error:
                # One tenant's broken repository must not keep the others waiting.
                log.warning("repository_upkeep_failed", tenant_id=str(at.tenant_id), error=str(error))
        return 0
