"""Incidents as people read them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import repository, schemas
from crontopus_api.alerts.models import Incident
from crontopus_api.alerts.repository import IncidentFilter
from crontopus_api.alerts.timeline import timeline
from crontopus_api.endpoints.models import Endpoint
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.errors import NotFound
from crontopus_api.kit.schemas import EndpointRef
from crontopus_api.kit.sql import Key


class IncidentService:
    def __init__(self, jobs: JobService, endpoints: EndpointService) -> None:
        self._jobs = jobs
        self._endpoints = endpoints

    async def page(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        wanted: IncidentFilter,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> list[schemas.IncidentOut]:
        incidents = await repository.page(session, tenant_id, wanted, after, limit)
        return await self._present(session, tenant_id, incidents)

    async def filter(
        self, session: AsyncSession, tenant_id: UUID, query: schemas.IncidentQuery
    ) -> IncidentFilter:
        """Raises NotFound when there is and was no such job."""
        job_id = None
        if query.job is not None:
            namespace, name = query.job.split("/")
            job_id = (await self._jobs.find_any(session, tenant_id, namespace, name)).id
        return IncidentFilter(
            query.state,
            query.kind,
            query.severity,
            job_id,
            query.endpoint,
            query.parent,
            query.top,
            query.since,
        )

    async def get(self, session: AsyncSession, tenant_id: UUID, incident_id: UUID) -> schemas.IncidentDetail:
        incident = await repository.get(session, tenant_id, incident_id)
        if incident is None:
            raise NotFound("There is no such incident.")
        shown = (await self._present(session, tenant_id, [incident]))[0]
        deliveries = await repository.deliveries(session, tenant_id, incident_id)
        events = await repository.events(session, tenant_id, incident_id)
        return schemas.IncidentDetail(**dict(shown), events=timeline(incident, deliveries, events))

    async def show(self, session: AsyncSession, incident: Incident) -> schemas.IncidentOut:
        return (await self._present(session, incident.tenant_id, [incident]))[0]

    async def _present(
        self, session: AsyncSession, tenant_id: UUID, incidents: Sequence[Incident]
    ) -> list[schemas.IncidentOut]:
        job_ids = {incident.job_id for incident in incidents if incident.job_id is not None}
        jobs = await self._jobs.refs(session, tenant_id, list(job_ids))
        placed = {
            Key(tenant_id, incident.endpoint_id) for incident in incidents if incident.endpoint_id is not None
        }
        known = await self._endpoints.known(session, placed) if placed else {}
        endpoints = {key.id: each for key, each in known.items()}
        ids = [incident.id for incident in incidents]
        children = await repository.child_counts(session, tenant_id, ids) if ids else {}
        plain = (
            "id",
            "kind",
            "state",
            "severity",
            "title",
            "cause",
            "instance_id",
            "channel_id",
            "opened_at",
            "resolved_at",
            "acknowledged_at",
            "acknowledged_by",
            "snoozed_until",
            "parent_id",
            "muted",
            "flapping",
        )
        return [
            schemas.IncidentOut(
                **{name: getattr(incident, name) for name in plain},
                job=jobs.get(incident.job_id) if incident.job_id is not None else None,
                endpoint=_endpoint(incident.endpoint_id, endpoints),
                children=children.get(incident.id, 0),
            )
            for incident in incidents
        ]


def _endpoint(endpoint_id: UUID | None, known: Mapping[UUID, Endpoint]) -> EndpointRef | None:
    if endpoint_id is None:
        return None
    endpoint = known.get(endpoint_id)
    return EndpointRef(id=endpoint_id, name=endpoint.name if endpoint is not None else "unknown")
