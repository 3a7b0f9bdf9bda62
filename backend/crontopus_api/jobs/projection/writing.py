"""Definitions into the database, many at a time: a push of ten thousand files is a handful of statements."""

from collections.abc import Container, Sequence
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints.models import Endpoint
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs import definitions_repository as definitions
from crontopus_api.jobs import repository
from crontopus_api.jobs.events import RoutingChanged
from crontopus_api.jobs.instances import InstanceKeeper, manifest_of
from crontopus_api.jobs.ping_keys import ping_key_place
from crontopus_api.jobs.policies import WindowInForce, policies_in_force, violations_of, windows_in_force
from crontopus_api.jobs.projection.reading import FileState, InvalidRead, JobRead, Reading
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.crypto import Keyring
from crontopus_api.kit.events import Events
from crontopus_api.manifests import JobManifest, ManifestError, Policy, job_id, system_kind, to_mapping

log = structlog.get_logger()

_ROUTING = ("AlertRoute", "MaintenanceWindow")


class DefinitionWriter:
    def __init__(
        self,
        keeper: InstanceKeeper,
        endpoints: EndpointService,
        keyring: Keyring,
        events: Events,
        clock: Clock,
    ) -> None:
        self._keeper = keeper
        self._events = events
        self._endpoints = endpoints
        self._keyring = keyring
        self._clock = clock

    async def write(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        reading: Reading,
        *,
        has_policies: bool,
        has_windows: bool,
        has_invalid_files: bool,
    ) -> None:
        """Apply what was read. The caller holds the tenant's repository row locked, and knows what the tenant
        has: what it has not need not be asked for."""
        await self._write_documents(session, tenant_id, reading)
        await definitions.set_namespaces(session, tenant_id, reading.namespaces)
        new_policies = any(system_kind(path) == "Policy" for path in reading.paths)
        policies: list[Policy] = []
        if has_policies or new_policies:
            policies = list((await policies_in_force(session, tenant_id)).values())
        wanted = await self._write_jobs(session, tenant_id, reading, policies)
        if has_invalid_files or reading.invalid:
            await self._write_invalid(session, tenant_id, reading)
        if new_policies:
            await self._judge_again(session, tenant_id, wanted, policies)
        windows: Sequence[WindowInForce] = ()
        new_windows = any(system_kind(path) == "MaintenanceWindow" for path in reading.paths)
        if has_windows or new_windows:
            windows = await windows_in_force(session, tenant_id)
        if new_windows:
            for job in await repository.live(session, tenant_id):
                wanted.setdefault(job.id, manifest_of(job))
        endpoints: Sequence[Endpoint] = ()
        if any(manifest is not None and manifest.mode == "agent" for manifest in wanted.values()):
            endpoints = await self._endpoints.active(session, tenant_id)
        await self._keeper.match_many(session, tenant_id, wanted, endpoints, windows)
        if any(system_kind(path) in _ROUTING for path in reading.paths):
            await self._events.emit(session, RoutingChanged(tenant_id))

    async def _write_invalid(self, session: AsyncSession, tenant_id: UUID, reading: Reading) -> None:
        # The embedded host refuses such a push; a host that cannot leaves the last good definition in force.
        rows = [
            _file_values(tenant_id, file) | {"errors": [error.as_dict() for error in errors]}
            for file, errors in reading.invalid
        ]
        await definitions.replace_invalid(session, tenant_id, reading.paths, rows)
        if rows:
            log.warning(
                "manifests_invalid", tenant_id=str(tenant_id), paths=[row["path"] for row in rows][:20]
            )

    async def _write_documents(self, session: AsyncSession, tenant_id: UUID, reading: Reading) -> None:
        rows = [
            _file_values(tenant_id, file)
            | {
                "kind": kind,
                "name": manifest.metadata.name,
                "manifest": manifest.model_dump(mode="json", by_alias=True, exclude_unset=True),
                "source": file.content.decode(),
            }
            for file, kind, manifest in reading.documents
        ]
        await definitions.put_documents(session, tenant_id, reading.gone, rows)

    async def _write_jobs(
        self, session: AsyncSession, tenant_id: UUID, reading: Reading, policies: Sequence[Policy]
    ) -> dict[UUID, JobManifest | None]:
        """The jobs that are written, by id; None for those that are there no more."""
        puts = _by_id(tenant_id, reading)
        # Whatever lived at these paths first leaves its address: jobs may move, or trade places. What is
        # put again right after loses nothing by it.
        paths = [*reading.gone, *(job.file.path for job in puts.values())]
        left = await definitions.leave_addresses(session, tenant_id, paths, list(puts), self._clock.now())
        for identifier, owner in left.elsewhere.items():
            reading.invalid.append(_duplicate(puts.pop(identifier), identifier, owner))
        rows = [self._job_values(tenant_id, identifier, job, policies) for identifier, job in puts.items()]
        await definitions.put_jobs(session, rows)
        pinged = [
            identifier
            for identifier, job in puts.items()
            if job.manifest.mode == "ping" and left.modes.get(identifier) != "ping"
        ]
        await self._give_ping_keys(session, tenant_id, pinged)
        gone: dict[UUID, JobManifest | None] = {each: None for each in left.modes if each not in puts}
        return gone | {identifier: job.manifest for identifier, job in puts.items()}

    async def _judge_again(
        self, session: AsyncSession, tenant_id: UUID, puts: Container[UUID], policies: Sequence[Policy]
    ) -> None:
        """Other policies: what they make of the jobs that were there before is shown with those."""
        rows = []
        for job in await definitions.sources(session, tenant_id):
            found = violations_of(job.path, job.source.encode(), policies)
            if job.id not in puts and found != job.violations:
                rows.append({"key_tenant": tenant_id, "key_id": job.id, "violations": found})
        await definitions.set_violations(session, rows)

    def _job_values(
        self, tenant_id: UUID, identifier: UUID, job: JobRead, policies: Sequence[Policy]
    ) -> dict[str, Any]:
        manifest, now = job.manifest, self._clock.now()
        return _file_values(tenant_id, job.file) | {
            "id": identifier,
            "namespace": manifest.metadata.namespace,
            "name": manifest.metadata.name,
            "mode": manifest.mode,
            "manifest": to_mapping(manifest),
            "source": job.file.content.decode(),
            "labels": manifest.metadata.labels,
            "schedule": list(manifest.spec.schedule),
            "timezone": manifest.spec.timezone,
            "enabled": manifest.spec.enabled,
            "paused": manifest.spec.paused,
            "violations": violations_of(job.file.path, job.file.content, policies),
            "created_at": now,
            "updated_at": now,
            "deleted_at": None,
        }

    async def _give_ping_keys(self, session: AsyncSession, tenant_id: UUID, job_ids: list[UUID]) -> None:
        """A job keeps the key it has; only its first projection makes one."""
        have = await definitions.with_ping_key(session, tenant_id, job_ids)
        rows = []
        for identifier in job_ids:
            if identifier not in have:
                secret = str(uuid4())
                rows.append(
                    {
                        "tenant_id": tenant_id,
                        "job_id": identifier,
                        "digest": self._keyring.lookup(secret),
                        "sealed": self._keyring.seal(secret.encode(), ping_key_place(tenant_id, identifier)),
                        "created_at": self._clock.now(),
                    }
                )
        await definitions.add_ping_keys(session, rows)


def _by_id(tenant_id: UUID, reading: Reading) -> dict[UUID, JobRead]:
    """Of two files with one id the first by path keeps it; the other becomes an invalid one."""
    puts: dict[UUID, JobRead] = {}
    for job in sorted(reading.jobs, key=lambda each: each.file.path):
        identifier = job_id(tenant_id, job.manifest)
        first = puts.setdefault(identifier, job)
        if first is not job:
            reading.invalid.append(_duplicate(job, identifier, first.file.path))
    return puts


def _duplicate(job: JobRead, identifier: UUID, owner: str) -> InvalidRead:
    return InvalidRead(job.file, [duplicate_id(job.file.path, identifier, owner)])


def duplicate_id(path: str, identifier: UUID, owner: str) -> ManifestError:
    return ManifestError(
        path,
        None,
        None,
        "metadata.id",
        "duplicate_id",
        f"its id {identifier} is that of {owner}",
        "a copied job needs an id of its own: write a new UUID as `metadata.id`, or remove the line",
    )


def _file_values(tenant_id: UUID, file: FileState) -> dict[str, Any]:
    return {
        "tenant_id": tenant_id,
        "path": file.path,
        "blob_id": file.blob_id,
        "commit_id": file.origin.commit,
        "changed_by": file.origin.by,
        "changed_at": file.origin.at,
    }
