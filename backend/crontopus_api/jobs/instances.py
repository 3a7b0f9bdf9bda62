"""Where a definition is expected to run: instances made, moved and retired as jobs and endpoints change."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints.models import Endpoint
from crontopus_api.endpoints.service import EndpointsChanged, EndpointService
from crontopus_api.jobs import instances_repository, repository
from crontopus_api.jobs.events import InstanceMoved
from crontopus_api.jobs.expectation import Expectation
from crontopus_api.jobs.instances_repository import NewRow
from crontopus_api.jobs.models import Instance, InstanceStatus, Job
from crontopus_api.jobs.policies import WindowInForce, expectation_of, windows_in_force
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.events import Events
from crontopus_api.manifests import DISCOVERED, JobManifest, instance_id, job_from_mapping, selects


class InstanceKeeper:
    def __init__(self, clock: Clock, events: Events, endpoints: EndpointService) -> None:
        self._clock = clock
        self._events = events
        self._endpoints = endpoints

    async def match_many(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        jobs: Mapping[UUID, JobManifest | None],
        endpoints: Sequence[Endpoint],
        windows: Sequence[WindowInForce],
    ) -> None:
        """Make the instances of jobs what their manifests say; None for a job that is gone."""
        now = self._clock.now()
        expectations = {
            job_id: expectation_of(manifest, windows, now) for job_id, manifest in jobs.items() if manifest
        }
        wanted = {job_id: places_of(job_id, manifest, endpoints) for job_id, manifest in jobs.items()}
        for instance, status in await instances_repository.lock_of_jobs(session, tenant_id, list(jobs)):
            if instance.id in wanted[instance.job_id]:
                del wanted[instance.job_id][instance.id]
                await self._update(session, instance, status, expectations[instance.job_id])
            else:
                await self._retire(session, instance, status)
        await session.flush()
        new = [
            self._new(tenant_id, job_id, new_id, endpoint_id, expectations[job_id])
            for job_id, places in wanted.items()
            for new_id, endpoint_id in places.items()
        ]
        # In order of id, as everybody locks them.
        await instances_repository.revive(session, sorted(new, key=lambda row: row.instance["id"]))

    async def on_endpoints_changed(self, session: AsyncSession, event: EndpointsChanged) -> None:
        """Another set of machines, or other labels: selectors are asked again."""
        endpoints = await self._endpoints.active(session, event.tenant_id)
        # The row every projection takes first: instances change in one order only.
        await repository.lock_repository(session, event.tenant_id)
        jobs = await repository.with_command(session, event.tenant_id)
        manifests = {job.id: manifest_of(job) for job in jobs}
        windows = await windows_in_force(session, event.tenant_id)
        await self.match_many(session, event.tenant_id, manifests, endpoints, windows)

    def _new(
        self,
        tenant_id: UUID,
        job_id: UUID,
        new_id: UUID,
        endpoint_id: UUID | None,
        expectation: Expectation,
    ) -> NewRow:
        now = self._clock.now()
        due_at = expectation.next_due(now, None)
        instance = {
            "tenant_id": tenant_id,
            "id": new_id,
            "job_id": job_id,
            "endpoint_id": endpoint_id,
            "expectation": expectation.to_json(),
            "created_at": now,
            "retired_at": None,
        }
        status: dict[str, Any] = {
            "tenant_id": tenant_id,
            "instance_id": new_id,
            "state": "paused" if expectation.paused else "new",
            "since": now,
            # Versions of a revived instance go on from its former life: status changes are keyed by them.
            "version": int(now.timestamp() * 1000),
            "due_at": due_at,
            "deadline_at": expectation.deadline(due_at, None),
            "failures": 0,
            "successes": 0,
            "open_runs": [],
            "usual_runs": 0,
            "warnings": [],
            "expectation_no": 0,
        }
        return NewRow(instance, status)

    async def _update(
        self, session: AsyncSession, instance: Instance, status: InstanceStatus, expectation: Expectation
    ) -> None:
        before = Expectation.from_json(instance.expectation)
        if before == expectation:
            return
        now = self._clock.now()
        instance.expectation = expectation.to_json()
        status.expectation_no += 1
        if not before.same_timing(expectation):
            status.due_at = _due(before, expectation, status, now)
            status.missed_slot_at = status.excused_until = None
        status.deadline_at = expectation.deadline(status.due_at, _oldest_start(status))
        if expectation.paused and status.state != "paused":
            await self._move(session, instance, status, "paused", "paused by its definition", now)
        elif not expectation.paused and status.state == "paused":
            await self._move(session, instance, status, "new", "resumed by its definition", now)

    async def _retire(self, session: AsyncSession, instance: Instance, status: InstanceStatus) -> None:
        now = self._clock.now()
        await self._move(session, instance, status, "retired", "no longer expected to run here", now)
        session.expunge(status)
        await instances_repository.retire(session, instance.tenant_id, instance.id, now)

    async def _move(
        self,
        session: AsyncSession,
        instance: Instance,
        status: InstanceStatus,
        to_state: str,
        reason: str,
        now: datetime,
    ) -> None:
        from_state, status.version = status.state, status.version + 1
        if to_state != "retired":
            status.state, status.since = to_state, now
            status.failures = status.successes = 0
        await self._events.emit(
            session,
            InstanceMoved(
                tenant_id=instance.tenant_id,
                instance_id=instance.id,
                job_id=instance.job_id,
                endpoint_id=instance.endpoint_id,
                version=status.version,
                from_state=from_state,
                to_state=to_state,
                reason=reason,
                at=now,
            ),
        )


def manifest_of(job: Job) -> JobManifest:
    """The manifest in force of a projected job."""
    return job_from_mapping(job.path, job.manifest, namespace=job.namespace, name=job.name)


def places_of(
    job_id: UUID, manifest: JobManifest | None, endpoints: Sequence[Endpoint]
) -> dict[UUID, UUID | None]:
    """Where a job is expected: instance id → endpoint id (None in ping mode)."""
    if manifest is None or manifest.metadata.namespace == DISCOVERED:
        return {}
    if manifest.mode == "ping":
        return {instance_id(job_id, None): None}
    return {
        instance_id(job_id, endpoint.id): endpoint.id
        for endpoint in endpoints
        if selects(manifest.spec.selector, hostname=endpoint.hostname, labels=endpoint.labels)
    }


def _due(
    before: Expectation, expectation: Expectation, status: InstanceStatus, now: datetime
) -> datetime | None:
    """Of another schedule the next slot; what is overdue by the same one stays due, unless it is in a window now."""
    due, last = status.due_at, status.last_seen_at
    waits = due is not None and due <= now and not expectation.paused
    if waits and before.same_slots(expectation):
        assert due is not None
        return due if not expectation.in_window(due) else expectation.next_due(due, last)
    return expectation.next_unserved(now, last)


def _oldest_start(status: InstanceStatus) -> datetime | None:
    return min((datetime.fromisoformat(run["started_at"]) for run in status.open_runs), default=None)
