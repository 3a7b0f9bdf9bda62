"""The one way into the database for every change, whoever made it.

A projection is idempotent and only goes forward: it reads the difference between the commit projected
last and HEAD, and applies it in one transaction that first locks the tenant's repository row.
"""

from collections.abc import Mapping
from uuid import UUID

import psycopg
import structlog
from anyio import to_thread
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.gitstore.host import CommitInfo, GitHost
from crontopus_api.jobs import repository
from crontopus_api.jobs.projection.reading import FileState, Known, Origin, Reading, concerns_us, read_files
from crontopus_api.jobs.projection.writing import DefinitionWriter
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database

log = structlog.get_logger()

# Above this many files, reading them would keep the event loop from everybody else.
_FILES_READ_INLINE = 20


class Projector:
    def __init__(
        self,
        database: Database,
        host: GitHost,
        writer: DefinitionWriter,
        clock: Clock,
    ) -> None:
        self._database = database
        self._host = host
        self._writer = writer
        self._clock = clock

    async def project(self, tenant_id: UUID, known: Known | None = None) -> str | None:
        """Bring the projection to HEAD; answers the commit it is at (None: no commit yet)."""
        while True:
            async with self._database.tenant(tenant_id) as session:
                row = await repository.get_repository(session, tenant_id)
                slug, old = row.slug, row.projected_commit
            head = await self._host.head(slug)
            if head is None or head == old:
                return old
            if old is not None and not await self._host.is_ancestor(slug, old, head):
                await self._refuse_rewound(tenant_id, old, head)
                return old
            reading = await self._read(slug, old, head, known)
            try:
                async with self._database.tenant(tenant_id) as session:
                    if await self.apply(session, tenant_id, old, head, reading):
                        return head
            except DBAPIError as error:
                # Check-ins lock the same rows in another order; PostgreSQL ended us so that they could go on.
                if not isinstance(error.orig, psycopg.errors.DeadlockDetected):
                    raise
            # That, or another process projected meanwhile: look again from where things stand.

    async def apply(
        self, session: AsyncSession, tenant_id: UUID, old: str | None, head: str, reading: Reading
    ) -> bool:
        """Move the projection from `old` to `head` in the caller's transaction; False when it is not at `old`."""
        locked = await repository.lock_repository(session, tenant_id)
        if locked.repository.projected_commit != old:
            return False
        await self._writer.write(
            session,
            tenant_id,
            reading,
            has_policies=locked.has_policies,
            has_windows=locked.has_windows,
            has_invalid_files=locked.has_invalid_files,
        )
        await repository.set_projected(session, tenant_id, head, self._clock.now())
        log.info("projected", tenant_id=str(tenant_id), commit=head, files=len(reading.paths))
        return True

    async def _refuse_rewound(self, tenant_id: UUID, old: str, head: str) -> None:
        """Somebody rewrote main (the embedded host refuses that): whatever it says now may be a mistake, or an
        attack. What was in force stays so, and people are told."""
        log.error("history_rewound", tenant_id=str(tenant_id), projected=old, head=head)
        problem = (
            f"main was rewritten: {head[:12]} does not contain {old[:12]}, which is in force. Push {old[:12]} back to"
            " main, or have an operator accept the new history with `crontopus-server reproject`."
        )
        async with self._database.tenant(tenant_id) as session:
            await repository.set_problem(session, tenant_id, problem)

    async def _read(self, slug: str, old: str | None, head: str, known: Known | None) -> Reading:
        changes = [change for change in await self._host.changes(slug, old, head) if concerns_us(change.path)]
        wanted = [change.new_blob for change in changes if change.new_blob is not None]
        blobs = await self._host.read_blobs(slug, wanted)
        origins = await self._host.last_changes(slug, old, head)
        fallback = (await self._host.history(slug, limit=1))[0] if changes else None
        files = []
        for change in changes:
            origin = _origin(origins, change.path, fallback)
            content = b"" if change.new_blob is None else blobs[change.new_blob]
            files.append(FileState(change.path, origin, change.new_blob, content))
        if len(files) <= _FILES_READ_INLINE:
            return read_files(files, known)
        return await to_thread.run_sync(read_files, files, known)


def _origin(origins: Mapping[str, CommitInfo], path: str, fallback: CommitInfo | None) -> Origin:
    # A merge that takes a side's file as it is touches nothing: where Git names no commit, HEAD stands for it.
    commit = origins.get(path, fallback)
    assert commit is not None  # there is a HEAD wherever a file changed
    return Origin.of(commit)
