"""Runs as people read them."""

import zlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.models import Run
from crontopus_api.checkins.runs import repository, schemas
from crontopus_api.checkins.runs.repository import RunFilter
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.errors import Invalid, NotFound
from crontopus_api.kit.schemas import EndpointRef, JobRef


class RunService:
    def __init__(self, jobs: JobService, endpoints: EndpointService) -> None:
        self._jobs = jobs
        self._endpoints = endpoints

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
