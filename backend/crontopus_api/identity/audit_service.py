"""The audit log of a tenant, as its administrators read it; and how long entries are kept."""

from collections.abc import AsyncIterator
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.identity import audit_repository as repository
from crontopus_api.identity.audit_repository import AuditFilter
from crontopus_api.identity.audit_schemas import AuditEntryOut, AuditQuery, entry_out
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.paging import split_page

log = structlog.get_logger()

# The database refuses to remove what is younger (migration 0012).
KEPT_DAYS = 400
_EXPORT_PAGE = 500
_SCANNER = Scope(role="crontopus_scanner")


class AuditService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, session: AsyncSession, tenant_id: UUID, query: AuditQuery, after: UUID | None, limit: int
    ) -> tuple[list[AuditEntryOut], UUID | None]:
        """Newest first, and the id that the next page comes after."""
        rows = await repository.page(session, tenant_id, _filter(query), after, limit + 1)
        page, last = split_page(rows, limit)
        return [entry_out(entry) for entry in page], last.id if last is not None else None

    async def pages(self, tenant_id: UUID, query: AuditQuery) -> AsyncIterator[list[AuditEntryOut]]:
        """Every entry there is, a page and a transaction at a time: a slow reader keeps no connection."""
        after: UUID | None = None
        while True:
            async with self._database.tenant(tenant_id) as session:
                entries, after = await self.page(session, tenant_id, query, after, _EXPORT_PAGE)
            yield entries
            if after is None:
                return

    async def remove_old(self) -> int:
        """Batch after batch. Answers 0: the next round may be an hour away."""
        removed = 0
        while True:
            async with self._database.session(_SCANNER) as session:
                count = await repository.remove_older(session, KEPT_DAYS)
            removed += count
            if count < repository.BATCH:
                break
        if removed:
            log.info("old_audit_entries_removed", entries=removed)
        return 0


def _filter(query: AuditQuery) -> AuditFilter:
    return AuditFilter(query.actor, query.action, query.subject, query.since, query.until)
