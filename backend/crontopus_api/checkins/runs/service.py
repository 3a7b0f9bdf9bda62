"""Runs as people read them."""

import zlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.runs import repository, schemas
from crontopus_api.checkins.runs.repository import Cursor, RunFilter, RunRow
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Invalid, NotFound
from crontopus_api.kit.schemas import EndpointRef, JobRef

# Clocks of senders may be ahead of ours, by less than this.
_NEWEST = timedelta(hours=1)
_EXPORT_PAGE = 1_000


class RunService:
    def __init__(
        self, database: Database, jobs: JobService, endpoints: EndpointService, clock: Clock
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._endpoints = endpoints
        self._clock = clock

    async def page(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        query: schemas.RunQuery,
        after: Cursor | None,
        limit: int,
    ) -> tuple[list[schemas.RunOut], Cursor | None]:
        """Runs, and what the page after them continues from; None: there is none."""
        wanted = await self._filter(session, tenant_id, query)
        return await self._page(session, tenant_id, wanted, after, limit)

    async def pages(self, tenant_id: UUID, query: schemas.RunQuery) -> AsyncIterator[list[schemas.RunOut]]:
        """Every run there is, a page at a time.

        Each page is a transaction of its own: a slow reader keeps neither a connection nor old rows. Raises
        Invalid or NotFound at the first page.
        """
        async with self._database.tenant(tenant_id) as session:
            wanted = await self._filter(session, tenant_id, query)
        after: Cursor | None = None
        while True:
            async with self._database.tenant(tenant_id) as session:
                runs, after = await self._page(session, tenant_id, wanted, after, _EXPORT_PAGE)
            yield runs
            if after is None:
                return

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

    async def progress(self, tenant_id: UUID, run_id: UUID) -> tuple[str, bytes]:
        """A run's state and what it printed so far, in a transaction of its own. Raises NotFound.

        A run that is gone meanwhile, as one that was never there.
        """
        async with self._database.tenant(tenant_id) as session:
            run = await self._find(session, tenant_id, run_id)
            stored = await repository.output(session, run)
        return run.state, zlib.decompress(stored) if stored else b""

    async def _page(
        self, session: AsyncSession, tenant_id: UUID, wanted: RunFilter, after: Cursor | None, limit: int
    ) -> tuple[list[schemas.RunOut], Cursor | None]:
        found = await repository.page(session, tenant_id, wanted, after, limit + 1)
        rows = found[:limit]
        following = (rows[-1].partition_at, rows[-1].id) if len(found) > limit else None
        return await self._present(session, tenant_id, rows), following

    async def _filter(self, session: AsyncSession, tenant_id: UUID, query: schemas.RunQuery) -> RunFilter:
        newest = self._clock.now() + _NEWEST
        return RunFilter(
            until=min(query.until, newest) if query.until else newest,
            since=query.since,
            job_ids=await self._job_ids(session, tenant_id, query),
            endpoint_id=query.endpoint_id,
            state=query.state,
        )

    async def _job_ids(
        self, session: AsyncSession, tenant_id: UUID, query: schemas.RunQuery
    ) -> list[UUID] | None:
        wanted = None
        if query.job is not None:
            namespace, slash, name = query.job.partition("/")
            if not slash:
                raise Invalid("`job` is namespace/name, for example default/hello.")
            wanted = {(await self._jobs.find_any(session, tenant_id, namespace, name)).id}
        if query.namespace is not None or query.label:
            labels = [(name, value) for name, _, value in (label.partition("=") for label in query.label)]
            matching = await self._jobs.ids_matching(session, tenant_id, query.namespace, labels)
            wanted = set(matching) if wanted is None else wanted.intersection(matching)
        return None if wanted is None else list(wanted)

    async def _find(self, session: AsyncSession, tenant_id: UUID, run_id: UUID) -> RunRow:
        run = await repository.get(session, tenant_id, run_id)
        if run is None:
            raise NotFound("There is no such run.")
        return run

    async def _present(
        self, session: AsyncSession, tenant_id: UUID, runs: Sequence[RunRow]
    ) -> list[schemas.RunOut]:
        jobs = await self._jobs.refs(session, tenant_id, list({run.job_id for run in runs}))
        names: dict[UUID, str] = {}
        if any(run.endpoint_id is not None for run in runs):
            names = await self._endpoints.names(session, tenant_id)
        return [_run_out(run, jobs, names) for run in runs]


def _run_out(run: RunRow, jobs: dict[UUID, JobRef], names: dict[UUID, str]) -> schemas.RunOut:
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
        host=run.host,
        environment=run.environment,
        metrics=run.metrics,
        output=output,
    )
