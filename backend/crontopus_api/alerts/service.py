"""Incidents as people read them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import repository, schemas
from crontopus_api.alerts.models import Incident
from crontopus_api.alerts.timeline import timeline
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.errors import NotFound
from crontopus_api.kit.schemas import EndpointRef


class IncidentService:
    def __init__(self, jobs: JobService, endpoints: EndpointService) -> None:
        self._jobs = jobs
        self._endpoints = endpoints

    async def page(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        state: str | None,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[schemas.IncidentOut]:
        incidents = await repository.page(session, tenant_id, state, after, limit)
        return await self._present(session, tenant_id, incidents)

    async def get(self, session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> schemas.IncidentDetail:
        incident = await repository.get(session, tenant_id, incident_id)
        if incident is None:
            raise NotFound("There is no such incident.")
        shown = (await self._present(session, tenant_id, [incident]))[0]
        deliveries = await repository.deliveries(session, tenant_id, incident_id)
        events = await repository.events(session, tenant_id, incident_id)
        return schemas.IncidentDetail(**dict(shown), events=timeline(incident, deliveries, events))

    async def _present(
        self, session: AsyncSession, tenant_id: UUID, incidents: Sequence[Incident]
    ) -> list[schemas.IncidentOut]:
        job_ids = {incident.job_id for incident in incidents if incident.job_id is not None}
        jobs = await self._jobs.refs(session, tenant_id, list(job_ids))
        names = await self._endpoints.names(session, tenant_id)
        plain = (
            "id",
            "kind",
            "state",
            "severity",
            "title",
            "cause",
            "instance_id",
            "opened_at",
            "resolved_at",
        )
        return [
            schemas.IncidentOut(
                **{name: getattr(incident, name) for name in plain},
                job=jobs.get(incident.job_id) if incident.job_id is not None else None,
                endpoint=EndpointRef(id=incident.endpoint_id, name=names.get(incident.endpoint_id, "unknown"))
                if incident.endpoint_id is not None
                else None,
            )
            for incident in incidents
        ]
