"""Check-ins of the REST API, and runs as people read them."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins import repository, schemas
from crontopus_api.checkins.models import Run, StatusChange
from crontopus_api.checkins.records import CheckIn, Output, Target
from crontopus_api.checkins.repository import RunFilter
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.identity.principal import Principal
from crontopus_api.jobs.events import InstanceMoved
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Invalid, NotFound
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.schemas import EndpointRef, JobRef
from crontopus_api.manifests import instance_id


class RunService:
    def __init__(
        self, database: Database, jobs: JobService, endpoints: EndpointService, clock: Clock
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._endpoints = endpoints
        self._clock = clock

    async def check_in(self, principal: Principal, item: schemas.CheckInIn) -> CheckIn:
        """The internal event of an API check-in. Raises Invalid or NotFound when it names no instance."""
        output = item.output
        return CheckIn(
            event_id=item.event_id or uuid7(),
            target=Target(
                tenant_id=principal.tenant_id,
                instance_id=await self._instance_of(principal, item),
                endpoint_id=principal.endpoint_id,
            ),
            kind=item.kind,
            source="agent" if principal.kind == "endpoint" else "api",
            at=item.at,
            run_key=item.run_id,
            outcome=item.outcome,
            exit_code=item.exit_code,
            duration_ms=schemas.milliseconds(item.duration_seconds),
            slot_at=item.slot_at,
            commit_id=item.commit,
            message=item.message,
            output=Output(output.data, output.total_bytes, output.truncated) if output else None,
        )

    async def _instance_of(self, principal: Principal, item: schemas.CheckInIn) -> UUID:
        if item.instance_id is not None:
            return item.instance_id
        if item.job_id is not None:
            return instance_id(item.job_id, principal.endpoint_id)
        if item.job is None:
            raise Invalid("Say which job: `job` (namespace/name), `job_id` or `instance_id`.")
        namespace, slash, name = item.job.partition("/")
        if not slash:
            raise Invalid("`job` is namespace/name, for example default/hello.")
        async with self._database.tenant(principal.tenant_id) as session:
            job = await self._jobs.find(session, principal.tenant_id, namespace, name)
        return instance_id(job.id, principal.endpoint_id)

    async def page(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        query: schemas.RunQuery,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[tuple[Run, schemas.RunOut]]:
        wanted = RunFilter(
            job_ids=await self._job_ids(session, tenant_id, query),
            endpoint_id=query.endpoint_id,
            state=query.state,
            since=query.since,
            until=query.until,
        )
        runs = await repository.page(session, tenant_id, wanted, after, limit)
        return list(zip(runs, await self._present(session, tenant_id, runs), strict=True))

    async def get(self, session: AsyncSession, tenant_id: UUID, run_id: UUID) -> schemas.RunOut:
        run = await self._find(session, tenant_id, run_id)
        return (await self._present(session, tenant_id, [run]))[0]

    async def output(self, session: AsyncSession, tenant_id: UUID, run_id: UUID) -> bytes:
        """What the run printed, as bytes. Raises NotFound when nothing was kept."""
        run = await self._find(session, tenant_id, run_id)
        stored = await repository.output(session, run)
        if stored is None:
            raise NotFound("This run printed nothing, or nothing was kept.", code="no_output")
        return zlib.decompress(stored)

    async def record_move(self, session: AsyncSession, event: InstanceMoved) -> None:
        """A definition paused, resumed or ended an instance: alerts hear of it like of any other change."""
        change = StatusChange(
            tenant_id=event.tenant_id,
            instance_id=event.instance_id,
            version=event.version,
            job_id=event.job_id,
            endpoint_id=event.endpoint_id,
            from_state=event.from_state,
            to_state=event.to_state,
            reason=event.reason,
            at=event.at,
            recorded_at=self._clock.now(),
        )
        await repository.add_change(session, change)

    async def _find(self, session: AsyncSession, tenant_id: UUID, run_id: UUID) -> Run:
        run = await repository.get(session, tenant_id, run_id)
        if run is None:
            raise NotFound("There is no such run.")
        return run

    async def _job_ids(
        self, session: AsyncSession, tenant_id: UUID, query: schemas.RunQuery
    ) -> list[UUID] | None:
        if query.job is not None:
            namespace, slash, name = query.job.partition("/")
            if not slash:
                raise Invalid("`job` is namespace/name, for example default/hello.")
            return [(await self._jobs.find_any(session, tenant_id, namespace, name)).id]
        if query.namespace is not None:
            return await self._jobs.ids_in(session, tenant_id, query.namespace)
        return None

    async def _present(
        self, session: AsyncSession, tenant_id: UUID, runs: Sequence[Run]
    ) -> list[schemas.RunOut]:
        jobs = await self._jobs.by_ids(session, tenant_id, list({run.job_id for run in runs}))
        names = await self._endpoints.names(session, tenant_id)
        refs = {job_id: JobRef.model_validate(job) for job_id, job in jobs.items()}
        return [_run_out(run, refs, names) for run in runs]


def _run_out(run: Run, jobs: dict[UUID, JobRef], names: dict[UUID, str]) -> schemas.RunOut:
    endpoint = None
    if run.endpoint_id is not None:
        endpoint = EndpointRef(id=run.endpoint_id, name=names.get(run.endpoint_id, "unknown"))
    output = None
    if run.output_bytes is not None:
        output = schemas.RunOutputOut(
            bytes=run.output_bytes,
            total_bytes=run.output_total_bytes or run.output_bytes,
            truncated=run.output_truncated,
        )
    return schemas.RunOut(
        id=run.id,
        job=jobs[run.job_id],
        instance_id=run.instance_id,
        endpoint=endpoint,
        state=run.state,
        slot_at=run.slot_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration_seconds=schemas.seconds(run.duration_ms),
        exit_code=run.exit_code,
        source=run.source,
        commit=run.commit_id,
        message=run.message,
        output=output,
    )
