"""Takes a tenant apart whose time of grace is over. Every step can be the last one before a crash.

1. Its doors are closed in one transaction: tokens, memberships, keys, changes on their way. From here on there is no
   way back, and nobody can ask for anything.
2. When whatever was in flight then is over: the repository, and every row of every table that has a `tenant_id`, in
   batches of a transaction each. A process that dies is followed by another one, which finds what is left.
3. The tenant's own row, and with that its slug is free.

What stays is its audit log, for as long as any is kept: who deleted the tenant is asked afterwards.
"""

from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Table
from sqlalchemy.exc import SQLAlchemyError

from crontopus_api.gitstore.errors import GitStoreError
from crontopus_api.gitstore.host import GitHost
from crontopus_api.kit import audit
from crontopus_api.kit.audit import SYSTEM, Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Base, Database, Scope
from crontopus_api.tenants import purging_repository as repository
from crontopus_api.tenants.repository import lock_tenant

log = structlog.get_logger()

# Longer than any request, round of a worker or remembered key lives.
SETTLED_AFTER = timedelta(minutes=2)
_KEPT = {"audit_log"}
_DOORS = ("tokens", "invitations", "memberships", "tenant_ping_keys", "git_intents", "pending_jobs")
_SCANNER = Scope(role="crontopus_scanner")


class Purger:
    def __init__(self, database: Database, git: GitHost, clock: Clock) -> None:
        self._database = database
        self._git = git
        self._clock = clock

    async def round(self) -> int:
        """Go on with every tenant whose time is over. Answers 0: there is no hurry."""
        async with self._database.session(_SCANNER) as session:
            due = await repository.due(session, self._clock.now())
        for tenant_id, slug, purging_at in due:
            try:
                await self._go_on(tenant_id, slug, purging_at)
            except (GitStoreError, SQLAlchemyError, OSError) as error:
                # One tenant's trouble must not keep the others.
                log.warning("tenant_purge_interrupted", tenant_id=str(tenant_id), error=str(error))
        return 0

    async def _go_on(self, tenant_id: UUID, slug: str, purging_at: datetime | None) -> None:
        if purging_at is None:
            await self._close_doors(tenant_id)
        elif purging_at <= self._clock.now() - SETTLED_AFTER:
            async with self._database.tenant(tenant_id) as session:
                # Nobody makes the repository again of which nobody knows.
                await repository.delete_all(session, Base.metadata.tables["repositories"], tenant_id)
            await self._git.delete_repository(slug)
            while await self._delete_rows(tenant_id):
                pass
            async with self._database.tenant(tenant_id) as session:
                await repository.delete_tenant(session, tenant_id)
            log.info("tenant_purged", tenant_id=str(tenant_id), slug=slug)

    async def _close_doors(self, tenant_id: UUID) -> None:
        async with self._database.tenant(tenant_id) as session:
            tenant, now = await lock_tenant(session, tenant_id), self._clock.now()
            # Restored since it was found.
            if tenant is None or tenant.delete_at is None or tenant.delete_at > now:
                return
            tenant.purging_at = now
            await session.flush()
            for name in _DOORS:
                await repository.delete_all(session, Base.metadata.tables[name], tenant_id)
            subject = Subject("tenant", tenant_id, tenant.slug)
            await audit.record(session, "tenant.ended", SYSTEM, subject, at=now, tenant_id=tenant_id)

    async def _delete_rows(self, tenant_id: UUID) -> int:
        """One pass over all tables; how many rows went."""
        async with self._database.tenant(tenant_id) as session:
            tables = {table: await repository.may_delete(session, table) for table in _tables()}
        removed = 0
        for table, own in tables.items():
            # What the API may not delete, the role that removes old rows may.
            scope = Scope(tenant_id=tenant_id) if own else _SCANNER
            while True:
                async with self._database.session(scope) as session:
                    count = await repository.delete_some(session, table, tenant_id)
                removed += count
                if count < repository.BATCH:
                    break
        return removed


def _tables() -> list[Table]:
    """Every table of tenants, those that refer to others first."""
    return [
        table
        for table in reversed(Base.metadata.sorted_tables)
        if "tenant_id" in table.columns and table.name not in _KEPT
    ]
