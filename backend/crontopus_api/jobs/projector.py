"""Makes the database say what Git says. The one way in for every change, whoever made it.

A projection is idempotent and only goes forward: it reads the difference between the commit projected
last and HEAD, and applies it in one transaction that first locks the tenant's repository row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg
import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints.models import Endpoint
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.gitstore.host import GitHost
from crontopus_api.jobs import repository
from crontopus_api.jobs.instances import InstanceKeeper
from crontopus_api.jobs.models import JobPingKey
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.crypto import Keyring, Place
from crontopus_api.kit.database import Database
from crontopus_api.live.topics import announce
from crontopus_api.manifests import JobManifest, ManifestInvalid, is_job_path, job_id, parse_job, to_mapping

log = structlog.get_logger()


@dataclass(frozen=True)
class JobFile:
    """A job's file that differs from the projection; `blob_id` None: it is gone."""

    path: str
    blob_id: str | None = None
    content: bytes = b""


def ping_key_place(tenant_id: UUID, for_job: UUID) -> Place:
    return Place("job_ping_keys", tenant_id, str(for_job))


class Projector:
    def __init__(
        self,
        database: Database,
        host: GitHost,
        keeper: InstanceKeeper,
        endpoints: EndpointService,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._database = database
        self._host = host
        self._keeper = keeper
        self._endpoints = endpoints
        self._keyring = keyring
        self._clock = clock

    async def project(self, tenant_id: UUID) -> str | None:
        """Bring the projection to HEAD; answers the commit it is at (None: no commit yet)."""
        while True:
            async with self._database.tenant(tenant_id) as session:
                row = await repository.get_repository(session, tenant_id)
                slug, old = row.slug, row.projected_commit
            head = await self._host.head(slug)
            if head is None or head == old:
                return old
            if old is not None and not await self._host.is_ancestor(slug, old, head):
                log.error("history_rewound", tenant_id=str(tenant_id), projected=old, head=head)
                return old
            files = await self._read(slug, old, head)
            try:
                if await self._apply(tenant_id, old, head, files):
                    return head
            except DBAPIError as error:
                # Check-ins lock the same rows in another order; PostgreSQL ended us so that they could go on.
                if not isinstance(error.orig, psycopg.errors.DeadlockDetected):
                    raise
            # That, or another process projected meanwhile: look again from where things stand.

    async def _read(self, slug: str, old: str | None, head: str) -> list[JobFile]:
        changes = [change for change in await self._host.changes(slug, old, head) if is_job_path(change.path)]
        wanted = [change.new_blob for change in changes if change.new_blob is not None]
        blobs = await self._host.read_blobs(slug, wanted)
        files = [
            JobFile(change.path, change.new_blob, blobs[change.new_blob])
            if change.new_blob is not None
            else JobFile(change.path)
            for change in changes
        ]
        # Removals first: a moved job keeps its id, and is found again under its new path.
        return sorted(files, key=lambda file: (file.blob_id is not None, file.path))

    async def _apply(self, tenant_id: UUID, old: str | None, head: str, files: list[JobFile]) -> bool:
        """Whether it was applied; False when the projection is no longer at `old`."""
        async with self._database.tenant(tenant_id) as session:
            row = await repository.lock_repository(session, tenant_id)
            if row.projected_commit != old:
                return False
            endpoints = await self._endpoints.active(session, tenant_id)
            for file in files:
                await self._apply_file(session, tenant_id, head, file, endpoints)
            row.projected_commit, row.projected_at = head, self._clock.now()
            await session.flush()
            await announce(session, tenant_id, "jobs", "head")
        log.info("projected", tenant_id=str(tenant_id), commit=head, files=len(files))
        return True

    async def _apply_file(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        commit: str,
        file: JobFile,
        endpoints: Sequence[Endpoint],
    ) -> None:
        if file.blob_id is None:
            await self._remove(session, tenant_id, file.path)
            return
        try:
            manifest = parse_job(file.path, file.content)
        except ManifestInvalid as invalid:
            # The embedded host refuses such a push; a host that cannot leaves the last good definition.
            errors = [error.as_dict() for error in invalid.errors]
            kept = await repository.set_errors(session, tenant_id, file.path, errors)
            log.warning("manifest_invalid", tenant_id=str(tenant_id), path=file.path, kept_last_good=kept)
            return
        await self._put(session, tenant_id, commit, file, manifest)
        await self._keeper.match(session, tenant_id, job_id(tenant_id, manifest), manifest, endpoints)

    async def _remove(
        self, session: AsyncSession, tenant_id: UUID, path: str, *, but: UUID | None = None
    ) -> None:
        removed = await repository.mark_deleted(session, tenant_id, path, self._clock.now(), but=but)
        if removed is not None:
            await self._keeper.match(session, tenant_id, removed, None, ())

    async def _put(
        self, session: AsyncSession, tenant_id: UUID, commit: str, file: JobFile, manifest: JobManifest
    ) -> None:
        identifier, now = job_id(tenant_id, manifest), self._clock.now()
        # A file that now names another id is another job at the same address.
        await self._remove(session, tenant_id, file.path, but=identifier)
        values = {
            "tenant_id": tenant_id,
            "id": identifier,
            "namespace": manifest.metadata.namespace,
            "name": manifest.metadata.name,
            "path": file.path,
            "mode": manifest.mode,
            "manifest": to_mapping(manifest),
            "source": file.content.decode(),
            "labels": manifest.metadata.labels,
            "schedule": list(manifest.spec.schedule),
            "timezone": manifest.spec.timezone,
            "enabled": manifest.spec.enabled,
            "paused": manifest.spec.paused,
            "blob_id": file.blob_id,
            "commit_id": commit,
            "errors": [],
            "created_at": now,
            "updated_at": now,
        }
        await repository.upsert_job(session, values)
        if manifest.mode == "ping":
            await self._give_ping_key(session, tenant_id, identifier)

    async def _give_ping_key(self, session: AsyncSession, tenant_id: UUID, for_job: UUID) -> None:
        """A job keeps the key it has; only its first projection makes one."""
        if await repository.get_ping_key(session, tenant_id, for_job) is not None:
            return
        secret = str(uuid4())
        key = JobPingKey(
            tenant_id=tenant_id,
            job_id=for_job,
            digest=self._keyring.lookup(secret),
            sealed=self._keyring.seal(secret.encode(), ping_key_place(tenant_id, for_job)),
            created_at=self._clock.now(),
        )
        await repository.add_ping_key(session, key)
