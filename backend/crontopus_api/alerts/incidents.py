"""From changes of status to incidents: what is wrong, since when, and who is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import claims, repository
from crontopus_api.alerts.claims import Claimed
from crontopus_api.alerts.models import Delivery, Incident, IncidentEvent
from crontopus_api.alerts.routing import Router
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs.service import JobService, Subject
from crontopus_api.kit import outbox
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope, enter
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.sql import add_rows
from crontopus_api.live.topics import announce

DELIVER = "alerts.deliver"
Row = dict[str, Any]
_LEFT_ALONE = timedelta(minutes=1)
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
        self._left_alone: dict[UUID, datetime] = {}

    async def handle_changes(self) -> int:
        """Claim a batch of status changes and act on them in one transaction; how many there were.

        A tenant whose changes cannot be handled is left alone for a while, so that the others' are.
        """
        now = self._clock.now()
        self._left_alone = {tenant: until for tenant, until in self._left_alone.items() if until > now}
        scanner = Scope(role="crontopus_scanner")
        async with self._database.session(scanner) as session:
            changes = await claims.claim(session, now, self._left_alone)
            by_tenant: dict[UUID, list[Claimed]] = {}
            for change in changes:
                by_tenant.setdefault(change.tenant_id, []).append(change)
            for tenant_id, own in by_tenant.items():
                # Claimed across tenants, handled within one: row-level security sees to it.
                await enter(session, Scope(tenant_id=tenant_id))
                try:
                    await self._handle(session, tenant_id, own)
                except Exception:
                    self._left_alone[tenant_id] = now + _LEFT_ALONE
                    raise
        return len(changes)

    async def _handle(self, session: AsyncSession, tenant_id: UUID, changes: Sequence[Claimed]) -> None:
        """Of one tenant, at most one change per instance: however many, it takes the same few statements."""
        instances = [change.instance_id for change in changes]
        found = await repository.open_of_instances(session, tenant_id, instances)
        about = await self._look_up(session, tenant_id, changes)
        work = _Work([], [], [])
        for change in changes:
            incident = found.get(change.instance_id)
            if change.to_state in _BAD and incident is None:
                self._open(work, change, about)
            elif change.to_state in _BAD and incident is not None:
                # The same instance, another trouble: the incident says so, nobody is told twice.
                incident.kind, incident.cause = change.to_state, change.reason
                incident.title = about.title(change)
                work.events.append(_event(incident.id, "changed", change))
            elif change.to_state in _GOOD and incident is not None:
                incident.state, incident.resolved_at = "resolved", change.at
                work.events.append(_event(incident.id, "resolved", change))
                work.told.append((incident.id, "resolved"))
        if not (work.opened or work.events):
            return
        await session.flush()
        await add_rows(session, Incident, work.opened)
        await add_rows(session, IncidentEvent, work.events)
        await self._notify(session, tenant_id, work.told)
        await announce(session, tenant_id, "incidents")

    @staticmethod
    def _open(work: "_Work", change: Claimed, about: "_About") -> None:
        incident_id = uuid7()
        work.opened.append(
            {
                "tenant_id": change.tenant_id,
                "id": incident_id,
                "kind": change.to_state,
                "state": "open",
                "severity": about.jobs[change.job_id].severity,
                "title": about.title(change),
                "cause": change.reason,
                "opened_because": change.reason,
                "instance_id": change.instance_id,
                "job_id": change.job_id,
                "endpoint_id": change.endpoint_id,
                "opened_at": change.at,
            }
        )
        work.told.append((incident_id, "opened"))

    async def _notify(self, session: AsyncSession, tenant_id: UUID, told: Sequence[tuple[UUID, str]]) -> None:
        if not told:
            return
        targets = await self._router.targets(session, tenant_id)
        now = self._clock.now()
        deliveries = [
            {
                "tenant_id": tenant_id,
                "id": uuid7(),
                "incident_id": incident_id,
                "event": event,
                "channel": channel,
                "target": target,
                "state": "pending",
                "attempts": 0,
                "created_at": now,
            }
            for incident_id, event in told
            for channel, target in targets
        ]
        await add_rows(session, Delivery, deliveries)
        # One job for all that wait for a target. Of a target's jobs one runs at a time: its messages keep their order.
        wanted = [
            (
                delivery_lock(str(tenant_id), channel, target),
                {"tenant_id": str(tenant_id), "channel": channel, "target": target},
            )
            for channel, target in targets
        ]
        await outbox.defer_many(session, DELIVER, wanted)

    async def _look_up(self, session: AsyncSession, tenant_id: UUID, changes: Sequence[Claimed]) -> "_About":
        jobs = await self._jobs.subjects(session, tenant_id, list({change.job_id for change in changes}))
        placed = any(change.endpoint_id is not None for change in changes)
        return _About(jobs, await self._endpoints.names(session, tenant_id) if placed else {})


@dataclass
class _Work:
    """What a batch of changes comes to."""

    opened: list[Row]
    events: list[Row]
    told: list[tuple[UUID, str]]


@dataclass(frozen=True)
class _About:
    jobs: Mapping[UUID, Subject]
    endpoints: Mapping[UUID, str]

    def title(self, change: Claimed) -> str:
        job = self.jobs[change.job_id]
        where = ""
        if change.endpoint_id is not None:
            where = f" on {self.endpoints.get(change.endpoint_id, 'an endpoint')}"
        return f"{job.namespace}/{job.name} {_WORDS[change.to_state]}{where}"


def delivery_lock(tenant_id: str, channel: str, target: str) -> str:
    """Of the jobs that share it one runs at a time."""
    return f"alerts:{tenant_id}:{channel}:{target}"


def _event(incident_id: UUID, kind: str, change: Claimed) -> Row:
    return {
        "tenant_id": change.tenant_id,
        "id": uuid7(),
        "incident_id": incident_id,
        "at": change.at,
        "kind": kind,
        "message": change.reason,
    }
