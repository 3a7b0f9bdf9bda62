"""Job definitions as the projection has them. They are changed through Git: see `editing`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs import alerting, instances_repository, list_repository, repository, schemas, views
from crontopus_api.jobs.alerting import Routing
from crontopus_api.jobs.instances_repository import InstanceRow, Ran, Warned
from crontopus_api.jobs.list_repository import JobFilter
from crontopus_api.jobs.models import Job
from crontopus_api.jobs.ping_keys import ping_key_place
from crontopus_api.jobs.repository import Subject
from crontopus_api.jobs.standing import SEVERITY
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.crypto import Keyring
from crontopus_api.kit.errors import NotFound
from crontopus_api.kit.schemas import JobRef
from crontopus_api.kit.sql import Key
from crontopus_api.schedules import Schedule

__all__ = ["JobService", "Ran", "Subject", "Warned"]


class JobService:
    def __init__(
        self,
        endpoints: EndpointService,
        keyring: Keyring,
        clock: Clock,
        base_url: str,
    ) -> None:
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
    ) -> list[dict[str, Any]]:
        """Each as a `JobSummary` is sent."""
        now = self._clock.now()
        rows = await list_repository.page(session, tenant_id, wanted, after, limit, now)
        return [views.job_summary(row, now) for row in rows]

    async def find(self, session: AsyncSession, tenant_id: UUID, namespace: str, name: str) -> Job:
        """Raises NotFound."""
        job = await repository.get(session, tenant_id, namespace, name)
        return job or _no_job(namespace, name)

    async def get(
        self, session: AsyncSession, tenant_id: UUID, namespace: str, name: str, *, may_report: bool
    ) -> schemas.JobOut:
        """Raises NotFound. `may_report`: the caller may see the ping URL, with which runs are reported."""
        found = await instances_repository.at_address(session, tenant_id, namespace, name)
        if found is None:
            _no_job(namespace, name)
        job = found.job
        [summary] = await self.page(session, tenant_id, JobFilter(namespace, name=name), None, 1)
        # Read back as JSON, which its parts partly are.
        shown = schemas.JobSummary.model_validate_json(msgspec.json.encode(summary))
        return schemas.JobOut(
            **dict(shown),
            manifest=job.manifest,
            yaml=job.source,
            path=job.path,
            etag=job.blob_id,
            schedule_text=Schedule.parse(job.schedule, job.timezone).describe(),
            ping_url=self._ping_url(job, found.sealed_key) if may_report else None,
            instances_list=await self._instances(session, tenant_id, found.instances),
        )

    async def refs(
        self, session: AsyncSession, tenant_id: UUID, job_ids: Sequence[UUID]
    ) -> dict[UUID, JobRef]:
        """The names of jobs, also of deleted ones: their runs and incidents are still shown."""
        return await repository.refs(session, tenant_id, job_ids)

    async def subjects(self, session: AsyncSession, jobs: Collection[Key]) -> dict[Key, Subject]:
        """What an incident says of jobs, also of deleted ones."""
        return await repository.subjects(session, jobs)

    async def routing(self, session: AsyncSession, tenant_ids: Collection[UUID]) -> dict[UUID, Routing]:
        """Each tenant's alert routes and maintenance windows."""
        return await alerting.routing(session, tenant_ids)

    async def invalid(
        self, session: AsyncSession, tenant_id: UUID, paths: Sequence[str]
    ) -> dict[str, list[str]]:
        """Of those of these files whose newest version is not in force: why, in words."""
        return await alerting.invalid(session, tenant_id, paths)

    async def ran(self, session: AsyncSession, instances: Collection[Key]) -> dict[Key, Ran]:
        """How those ran last whose last run was skipped, or was not as it should be."""
        return await instances_repository.ran(session, instances)

    async def warned(self, session: AsyncSession, tenant_id: UUID) -> list[Warned]:
        """Instances whose last run was not as it should be."""
        return await instances_repository.warned(session, tenant_id)

    async def placed(self, session: AsyncSession, endpoints: Collection[Key]) -> dict[Key, int]:
        """How many instances there are on each of these endpoints."""
        return await instances_repository.placed(session, endpoints)

    async def ids_matching(
        self, session: AsyncSession, tenant_id: UUID, namespace: str | None, labels: Sequence[tuple[str, str]]
    ) -> list[UUID]:
        """Every job that is or was in a namespace (None: in any) and has all these labels."""
        return await repository.ids_matching(session, tenant_id, namespace, labels)

    async def stored_states(self, session: AsyncSession, tenant_id: UUID, job_id: UUID) -> dict[UUID, str]:
        """Instance id → state, of the instances that a job has now."""
        return await instances_repository.states(session, tenant_id, job_id)

    async def worst_state(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        *,
        job_id: UUID | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> schemas.JobState:
        """The worst state of a job's instances, or of those of all jobs with these labels."""
        now = self._clock.now()
        states = await list_repository.states(session, tenant_id, job_id, labels or {}, now)
        return min(states, key=SEVERITY.index, default="none")

    async def namespaces(self, session: AsyncSession, tenant_id: UUID) -> list[tuple[str, int]]:
        found = dict(await repository.namespaces(session, tenant_id))
        return sorted(({"default": 0} | found).items())

    async def count(self, session: AsyncSession, tenant_id: UUID) -> int:
        return (await self.counts(session, [tenant_id])).get(tenant_id, 0)

    async def counts(self, session: AsyncSession, tenant_ids: Collection[UUID]) -> dict[UUID, int]:
        """Those that have none are left out."""
        return await repository.counts(session, tenant_ids)

    async def instances(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        *,
        job: Job | None,
        endpoint_id: UUID | None,
        state: str | None,
        after: UUID | None,
        limit: int,
    ) -> list[schemas.InstanceOut]:
        rows = await instances_repository.page(
            session,
            tenant_id,
            job_id=job.id if job else None,
            endpoint_id=endpoint_id,
            state=state,
            now=self._clock.now(),
            after=after,
            limit=limit,
        )
        return await self._instances(session, tenant_id, rows)

    async def next_runs(
        self, session: AsyncSession, tenant_id: UUID, namespace: str, name: str, count: int
    ) -> schemas.NextRuns:
        """Raises NotFound."""
        job = await self.find(session, tenant_id, namespace, name)
        return views.next_runs_out(job, self._clock.now(), count)

    async def find_any(self, session: AsyncSession, tenant_id: UUID, namespace: str, name: str) -> Job:
        """The job of that name, else the one that had it last. Raises NotFound."""
        job = await repository.get(session, tenant_id, namespace, name)
        return (
            job or await repository.last_of(session, tenant_id, namespace, name) or _no_job(namespace, name)
        )

    def _ping_url(self, job: Job, sealed_key: bytes | None) -> str | None:
        if job.mode != "ping" or sealed_key is None:
            return None
        secret = self._keyring.open(sealed_key, ping_key_place(job.tenant_id, job.id)).decode()
        return f"{self._base_url}/ping/{secret}"

    async def _instances(
        self, session: AsyncSession, tenant_id: UUID, rows: Sequence[InstanceRow]
    ) -> list[schemas.InstanceOut]:
        now = self._clock.now()
        if all(row.instance.endpoint_id is None for row in rows):
            return [views.instance_out(row, {}, {}, now) for row in rows]
        names = await self._endpoints.names(session, tenant_id)
        keys = [Key(tenant_id, row.instance.id) for row in rows]
        found = await self._endpoints.conditions(session, keys)
        conditions = {key.id: condition for key, condition in found.items()}
        return [views.instance_out(row, names, conditions, now) for row in rows]


def _no_job(namespace: str, name: str) -> NoReturn:
    raise NotFound(
        f"There is no job {namespace}/{name}.", hint="`crontopus jobs list` shows those there are."
    )
