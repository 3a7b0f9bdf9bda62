"""How jobs and endpoints did over weeks and months."""

from datetime import UTC, date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.checkins.runs import report_schemas as schemas
from crontopus_api.checkins.runs import rollups_repository as repository
from crontopus_api.checkins.runs import uptime_repository
from crontopus_api.checkins.runs.uptime import Figures, figures, times_of
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.errors import Invalid
from crontopus_api.kit.schemas import EndpointRef

_DEFAULT_DAYS = 30
MOST_DAYS = 731


class ReportService:
    def __init__(self, jobs: JobService, endpoints: EndpointService, clock: Clock) -> None:
        self._jobs = jobs
        self._endpoints = endpoints
        self._clock = clock

    async def by_job(
        self, session: AsyncSession, tenant_id: UUID, query: schemas.ReportQuery
    ) -> list[schemas.JobReport]:
        """Jobs that had runs in that time, by name. Raises Invalid."""
        rows = await repository.report(session, tenant_id, "job", *self._days(query))
        jobs = await self._jobs.refs(session, tenant_id, [row.id for row in rows])
        found = [schemas.JobReport(job=jobs[row.id], **_counts(row)) for row in rows if row.id in jobs]
        return sorted(found, key=lambda each: (each.job.namespace, each.job.name))

    async def by_endpoint(
        self, session: AsyncSession, tenant_id: UUID, query: schemas.ReportQuery
    ) -> list[schemas.EndpointReport]:
        """Endpoints that had runs in that time, by name. Raises Invalid."""
        rows = await repository.report(session, tenant_id, "endpoint", *self._days(query))
        names = await self._endpoints.names(session, tenant_id)
        found = [
            schemas.EndpointReport(
                endpoint=EndpointRef(id=row.id, name=names.get(row.id, "unknown")), **_counts(row)
            )
            for row in rows
        ]
        return sorted(found, key=lambda each: each.endpoint.name)

    async def uptime(
        self, session: AsyncSession, tenant_id: UUID, namespace: str, name: str, days: int
    ) -> schemas.UptimeOut:
        """Raises NotFound."""
        job = await self._jobs.find(session, tenant_id, namespace, name)
        until = self._clock.now()
        since = until - timedelta(days=days)
        moves = await uptime_repository.moves(session, tenant_id, job.id, since)
        current = await self._jobs.stored_states(session, tenant_id, job.id)
        times = {
            instance: times_of(moves.get(instance, []), current.get(instance), since, until)
            for instance in sorted({*moves, *current})
        }
        return schemas.UptimeOut(
            since=since,
            until=until,
            instances=[
                schemas.InstanceUptime(instance_id=instance, **_shown(figures([each])))
                for instance, each in times.items()
            ],
            **_shown(figures(times.values())),
        )

    def _days(self, query: schemas.ReportQuery) -> tuple[date, date]:
        last = query.last or self._clock.now().astimezone(UTC).date()
        first = query.first or last - timedelta(days=_DEFAULT_DAYS - 1)
        if not 0 <= (last - first).days < MOST_DAYS:
            raise Invalid(f"`from` is not after `to`, and at most {MOST_DAYS} days are counted.")
        return first, last


def _counts(row: Any) -> dict[str, Any]:
    counts = {name: getattr(row, name) for name in schemas.Counts.model_fields if hasattr(row, name)}
    judged = row.successes + row.failures + row.timeouts + row.lost + row.missed
    return counts | {
        "success_rate": round(row.successes / judged, 6) if judged else None,
        "p50_seconds": None if row.p50_ms is None else row.p50_ms / 1000,
        "p95_seconds": None if row.p95_ms is None else row.p95_ms / 1000,
    }


def _shown(found: Figures) -> dict[str, Any]:
    return {
        "uptime": None if found.uptime is None else round(found.uptime, 6),
        "down_seconds": int(found.down.total_seconds()),
        "known_seconds": int(found.known.total_seconds()),
    }
