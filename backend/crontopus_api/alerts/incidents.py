"""From changes of status to incidents: what is wrong, since when, and who is told."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import claims, repository
from crontopus_api.alerts.models import Delivery, Incident, IncidentEvent
from crontopus_api.alerts.routing import Router
from crontopus_api.checkins.models import StatusChange
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs.service import JobService
from crontopus_api.kit import outbox
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope, enter
from crontopus_api.kit.ids import uuid7
from crontopus_api.live.topics import announce

DELIVER = "alerts.deliver"
_BAD = ("missed", "failing", "stuck")
_GOOD = ("new", "healthy", "running", "paused", "retired")
_WORDS = {"missed": "was missed", "failing": "is failing", "stuck": "is stuck"}


class IncidentKeeper:
    def __init__(
        self,
        database: Database,
        jobs: JobService,
        endpoints: EndpointService,
        router: Router,
        clock: Clock,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._endpoints = endpoints
        self._router = router
        self._clock = clock

    async def handle_changes(self) -> int:
        """Claim a batch of status changes and act on them in one transaction; how many there were."""
        scanner = Scope(role="crontopus_scanner")
        async with self._database.session(scanner) as session:
            changes = await claims.claim(session)
            if not changes:
                return 0
            await claims.mark_claimed(session, changes, self._clock.now())
            for change in changes:
                # Claimed across tenants, handled within one: row-level security sees to it.
                await enter(session, Scope(tenant_id=change.tenant_id))
                await self._handle(session, change)
        return len(changes)

    async def _handle(self, session: AsyncSession, change: StatusChange) -> None:
        incident = await repository.open_of_instance(session, change.tenant_id, change.instance_id)
        if change.to_state in _BAD and incident is None:
            await self._open(session, change)
        elif change.to_state in _BAD and incident is not None:
            await self._worsen(session, incident, change)
        elif change.to_state in _GOOD and incident is not None:
            await self._resolve(session, incident, change)

    async def _open(self, session: AsyncSession, change: StatusChange) -> None:
        tenant_id = change.tenant_id
        incident = Incident(
            tenant_id=tenant_id,
            id=uuid7(),
            kind=change.to_state,
            state="open",
            severity=await self._severity(session, change),
            title=await self._title(session, change),
            cause=change.reason,
            instance_id=change.instance_id,
            job_id=change.job_id,
            endpoint_id=change.endpoint_id,
            opened_at=change.at,
        )
        await repository.add(session, incident)
        await self._note(session, incident, "opened", change.reason, change.at)
        await self._notify(session, incident, "opened")

    async def _worsen(self, session: AsyncSession, incident: Incident, change: StatusChange) -> None:
        """The same instance, another trouble: the incident says so, nobody is told twice."""
        incident.kind, incident.cause = change.to_state, change.reason
        incident.title = await self._title(session, change)
        await self._note(session, incident, "changed", change.reason, change.at)
        await announce(session, incident.tenant_id, "incidents")

    async def _resolve(self, session: AsyncSession, incident: Incident, change: StatusChange) -> None:
        incident.state, incident.resolved_at = "resolved", change.at
        await self._note(session, incident, "resolved", change.reason, change.at)
        await self._notify(session, incident, "resolved")

    async def _notify(self, session: AsyncSession, incident: Incident, event: str) -> None:
        for channel, target in await self._router.targets(session, incident):
            delivery = Delivery(
                tenant_id=incident.tenant_id,
                id=uuid7(),
                incident_id=incident.id,
                event=event,
                channel=channel,
                target=target,
                state="pending",
                attempts=0,
                created_at=self._clock.now(),
            )
            await repository.add(session, delivery)
            await outbox.defer(
                session,
                DELIVER,
                # One after the other per incident and target: never "resolved" before "opened".
                lock=f"incident:{incident.id}:{channel}:{target}",
                tenant_id=str(incident.tenant_id),
                delivery_id=str(delivery.id),
            )
        await announce(session, incident.tenant_id, "incidents")

    async def _note(
        self, session: AsyncSession, incident: Incident, kind: str, message: str, at: datetime
    ) -> None:
        event = IncidentEvent(
            tenant_id=incident.tenant_id,
            id=uuid7(),
            incident_id=incident.id,
            at=at,
            kind=kind,
            message=message,
        )
        await repository.add(session, event)

    async def _title(self, session: AsyncSession, change: StatusChange) -> str:
        jobs = await self._jobs.by_ids(session, change.tenant_id, [change.job_id])
        job = jobs[change.job_id]
        where = ""
        if change.endpoint_id is not None:
            names = await self._endpoints.names(session, change.tenant_id)
            where = f" on {names.get(change.endpoint_id, 'an endpoint')}"
        return f"{job.namespace}/{job.name} {_WORDS[change.to_state]}{where}"

    async def _severity(self, session: AsyncSession, change: StatusChange) -> str:
        jobs = await self._jobs.by_ids(session, change.tenant_id, [change.job_id])
        manifest = jobs[change.job_id].manifest
        severity: str = manifest["spec"].get("alerts", {}).get("severity", "error")
        return severity
