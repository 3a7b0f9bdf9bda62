"""Job definitions: read from the projection, changed through Git."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints.service import EndpointService
from crontopus_api.gitstore.errors import ObjectMissing
from crontopus_api.gitstore.host import Author, GitHost, blob_id
from crontopus_api.jobs import instances_repository, repository, schemas, views
from crontopus_api.jobs.changes import Change, ChangeService
from crontopus_api.jobs.instances_repository import InstanceRow
from crontopus_api.jobs.models import Job
from crontopus_api.jobs.projector import ping_key_place
from crontopus_api.jobs.repository import JobFilter
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.crypto import Keyring
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Conflict, Invalid, NotFound
from crontopus_api.manifests import (
    JobManifest,
    ManifestInvalid,
    dump_yaml,
    is_name,
    job_from_mapping,
    job_path,
    parse_job,
    to_mapping,
)
from crontopus_api.schedules import Schedule

# An unconditional change that meets somebody else's is tried again on top of it, this often.
_TRIES = 5


class JobService:
    def __init__(
        self,
        database: Database,
        host: GitHost,
        changes: ChangeService,
        endpoints: EndpointService,
        keyring: Keyring,
        clock: Clock,
        base_url: str,
    ) -> None:
        self._database = database
        self._host = host
        self._changes = changes
        self._endpoints = endpoints
        self._keyring = keyring
        self._clock = clock
        self._base_url = base_url

    async def page(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        wanted: JobFilter,
        after: tuple[str, str] | None,
        limit: int,
    ) -> list[schemas.JobSummary]:
        jobs = await repository.page(session, tenant_id, wanted, after, limit)
        rows = await instances_repository.of_jobs(session, tenant_id, [job.id for job in jobs])
        by_job: dict[UUID, list[InstanceRow]] = defaultdict(list)
        for row in rows:
            by_job[row.instance.job_id].append(row)
        now = self._clock.now()
        return [views.job_summary(job, by_job[job.id], now) for job in jobs]

    async def find(self, session: AsyncSession, tenant_id: UUID, namespace: str, name: str) -> Job:
        """Raises NotFound."""
        job = await repository.get(session, tenant_id, namespace, name)
        if job is None:
            raise NotFound(
                f"There is no job {namespace}/{name}.", hint="`crontopus jobs list` shows those there are."
            )
        return job

    async def get(
        self, session: AsyncSession, tenant_id: UUID, namespace: str, name: str, *, may_report: bool
    ) -> schemas.JobOut:
        """Raises NotFound. `may_report`: the caller may see the ping URL, with which runs are reported."""
        job = await self.find(session, tenant_id, namespace, name)
        rows = await instances_repository.of_jobs(session, tenant_id, [job.id])
        summary = views.job_summary(job, rows, self._clock.now())
        return schemas.JobOut(
            **dict(summary),
            manifest=job.manifest,
            yaml=job.source,
            path=job.path,
            etag=job.blob_id,
            schedule_text=Schedule.parse(job.schedule, job.timezone).describe(),
            ping_url=await self._ping_url(session, job) if may_report else None,
            instances_list=await self._instances(session, tenant_id, rows),
        )

    async def by_ids(
        self, session: AsyncSession, tenant_id: UUID, job_ids: Sequence[UUID]
    ) -> dict[UUID, Job]:
        """Also deleted ones: their runs and incidents are still shown."""
        return await repository.by_ids(session, tenant_id, job_ids)

    async def ids_in(self, session: AsyncSession, tenant_id: UUID, namespace: str) -> list[UUID]:
        """Every job that is or was in a namespace."""
        return await repository.ids_in(session, tenant_id, namespace)

    async def namespaces(self, session: AsyncSession, tenant_id: UUID) -> list[tuple[str, int]]:
        found = dict(await repository.namespaces(session, tenant_id))
        return sorted(({"default": 0} | found).items())

    async def instances(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        *,
        job: Job | None,
        endpoint_id: UUID | None,
        after: UUID | None,
        limit: int,
    ) -> list[schemas.InstanceOut]:
        rows = await instances_repository.page(
            session,
            tenant_id,
            job_id=job.id if job else None,
            endpoint_id=endpoint_id,
            after=after,
            limit=limit,
        )
        return await self._instances(session, tenant_id, rows)

    async def next_runs(
        self, session: AsyncSession, tenant_id: UUID, namespace: str, name: str, count: int
    ) -> tuple[str, list[datetime]]:
        """(timezone, the next `count` slots in UTC)."""
        job = await self.find(session, tenant_id, namespace, name)
        schedule = Schedule.parse(job.schedule, job.timezone)
        slots: list[datetime] = []
        slot = schedule.next_after(self._clock.now())
        while slot is not None and len(slots) < count:
            slots.append(slot)
            slot = schedule.next_after(slot)
        return job.timezone, slots

    async def put(
        self,
        tenant_id: UUID,
        author: Author,
        namespace: str,
        name: str,
        body: bytes | Mapping[str, Any],
        *,
        message: str | None,
        if_match: str | None,
        if_none_match: bool,
    ) -> bool:
        """Create or change a job by a commit; whether it is new.

        `body` is the YAML file itself, or a manifest as JSON data. `if_match` is the blob id the caller
        knows. Raises Invalid with every error found, or Conflict.
        """
        path = _path(namespace, name)
        manifest = _read(path, namespace, name, body)
        for attempt in range(_TRIES):
            current = await self._current(tenant_id, path)
            _check_conditions(current[0] if current else None, if_match, if_none_match)
            content = body if isinstance(body, bytes) else _content(path, manifest, current)
            verb = "Change" if current else "Add"
            change = Change(
                author,
                message or f"{verb} {namespace}/{name}",
                {path: content},
                {path: current[0] if current else None},
            )
            try:
                await self._changes.apply(tenant_id, change)
            except Conflict:
                if if_match or if_none_match or attempt == _TRIES - 1:
                    raise
                continue
            return current is None
        raise AssertionError("unreachable: the last try returns or raises")

    async def delete(
        self, tenant_id: UUID, author: Author, namespace: str, name: str, *, if_match: str | None
    ) -> None:
        """Remove a job by a commit. Raises NotFound or Conflict."""
        path = _path(namespace, name)
        current = await self._current(tenant_id, path)
        if current is None:
            raise NotFound(f"There is no job {namespace}/{name}.")
        _check_conditions(current[0], if_match, False)
        change = Change(author, f"Delete {namespace}/{name}", {path: None}, {path: current[0]})
        await self._changes.apply(tenant_id, change)

    async def _current(self, tenant_id: UUID, path: str) -> tuple[str, bytes] | None:
        """(blob id, content) of a file at HEAD. From Git, not the projection: Git is what will be changed."""
        slug = await self._changes.ensure_repository(tenant_id)
        head = await self._host.head(slug)
        if head is None:
            return None
        try:
            content = await self._host.read_file(slug, head, path)
        except ObjectMissing:
            return None
        return blob_id(content), content

    async def _ping_url(self, session: AsyncSession, job: Job) -> str | None:
        if job.mode != "ping":
            return None
        key = await repository.get_ping_key(session, job.tenant_id, job.id)
        if key is None:
            return None
        secret = self._keyring.open(key.sealed, ping_key_place(job.tenant_id, job.id)).decode()
        return f"{self._base_url}/ping/{secret}"

    async def _instances(
        self, session: AsyncSession, tenant_id: UUID, rows: Sequence[InstanceRow]
    ) -> list[schemas.InstanceOut]:
        names = await self._endpoints.names(session, tenant_id)
        conditions = await self._endpoints.conditions(session, tenant_id, [row.instance.id for row in rows])
        return [views.instance_out(row, names, conditions) for row in rows]


def _path(namespace: str, name: str) -> str:
    for what, value in (("namespace", namespace), ("name", name)):
        if not is_name(value):
            raise Invalid(
                f"{value!r} is not a valid {what}.",
                code="invalid_name",
                hint="Lower-case letters, digits and `-`, at most 63, beginning and ending in a letter or digit.",
            )
    return job_path(namespace, name)


def _read(path: str, namespace: str, name: str, body: bytes | Mapping[str, Any]) -> JobManifest:
    try:
        if isinstance(body, bytes):
            return parse_job(path, body)
        return job_from_mapping(path, body, namespace=namespace, name=name)
    except ManifestInvalid as invalid:
        first = invalid.errors[0]
        raise Invalid(
            str(first), code="invalid_manifest", errors=[error.as_dict() for error in invalid.errors]
        ) from invalid


def _content(path: str, manifest: JobManifest, current: tuple[str, bytes] | None) -> bytes:
    """The file for a manifest that came as JSON: the present one, comments and all, if it says the same."""
    if current is not None:
        try:
            if to_mapping(parse_job(path, current[1])) == to_mapping(manifest):
                return current[1]
        except ManifestInvalid:
            pass  # what is there now is broken: it is replaced
    return dump_yaml(manifest).encode()


def _check_conditions(current: str | None, if_match: str | None, if_none_match: bool) -> None:
    if if_match is not None and if_match != current:
        raise Conflict(
            "The job was changed since you fetched it.",
            code="stale_etag",
            hint="Fetch it again, look at the difference, and repeat your change.",
        )
    if if_none_match and current is not None:
        raise Conflict("There is a job of that name already.", code="already_exists")
