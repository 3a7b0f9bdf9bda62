"""Keeps every tenant's repository made and projected, whatever process was killed meanwhile."""

import structlog

from crontopus_api.composition import Services
from crontopus_api.gitstore.errors import GitStoreError
from crontopus_api.jobs import repository
from crontopus_api.kit.database import Scope

log = structlog.get_logger()


class RepositoryUpkeep:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def round(self) -> int:
        """Make what is missing, project what has moved. Answers 0: there is no hurry for the next round."""
        async with self._services.database.session(Scope(role="crontopus_scanner")) as session:
            rows = [
                (row.tenant_id, row.slug, row.ready_at, row.projected_commit)
                for row in await repository.all_repositories(session)
            ]
        for tenant_id, slug, ready_at, projected in rows:
            try:
                if ready_at is None:
                    await self._services.changes.ensure_repository(tenant_id)
                elif await self._services.git.head(slug) != projected:
                    await self._services.projector.project(tenant_id)
            except GitStoreError as error:
                # One tenant's broken repository must not keep the others waiting.
                log.warning("repository_upkeep_failed", tenant_id=str(tenant_id), error=str(error))
        return 0
