"""Jobs that are missed, failing or stuck: from the changes of status that the engine wrote."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import repository
from crontopus_api.alerts.causes import Changed, Condition, Facts, Host, cause
from crontopus_api.alerts.claims import OVERDUE_AFTER, Claimed
from crontopus_api.alerts.kinds import OF_STATUS
from crontopus_api.alerts.routing import About
from crontopus_api.alerts.sources.finding import Finding, Wrong, of_status
from crontopus_api.endpoints.models import Endpoint, EndpointCondition
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs.models import InstanceStatus
from crontopus_api.jobs.service import JobService, Subject

_GOOD = ("new", "healthy", "running", "paused", "retired")
_ENDED = ("paused", "retired")
_WORDS = {"missed": "was missed", "failing": "is failing", "stuck": "is stuck"}


@dataclass(frozen=True)
class _Known:
    jobs: Mapping[UUID, Subject]
    endpoints: Mapping[UUID, Endpoint]
    conditions: Mapping[UUID, EndpointCondition]
    statuses: Mapping[UUID, InstanceStatus]
    missed: Mapping[UUID, int]


class Statuses:
    def __init__(self, jobs: JobService, endpoints: EndpointService) -> None:
        self._jobs = jobs
        self._endpoints = endpoints

    async def findings(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        changes: Sequence[Claimed],
        endpoints: Mapping[UUID, Endpoint],
        now: datetime,
    ) -> list[Finding]:
        """At most one of each instance; however many, it takes the same few statements."""
        bad = [change for change in changes if change.to_state in OF_STATUS]
        known = await self._look_up(session, tenant_id, bad, endpoints) if bad else None
        found = []
        for change in changes:
            subject = of_status(change.instance_id)
            if known is not None and change.to_state in OF_STATUS:
                found.append(Finding(subject, change.at, change.reason, _wrong(change, known, now)))
            elif change.to_state in _GOOD:
                ended = change.to_state in _ENDED
                found.append(Finding(subject, change.at, change.reason, ended=ended))
        return found

    async def _look_up(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        bad: Sequence[Claimed],
        endpoints: Mapping[UUID, Endpoint],
    ) -> _Known:
        instances = [change.instance_id for change in bad]
        placed = {change.endpoint_id for change in bad if change.endpoint_id is not None}
        missed = Counter(change.endpoint_id for change in bad if change.to_state == "missed")
        before = await repository.missed_of_endpoints(session, tenant_id, list(placed)) if placed else {}
        return _Known(
            await self._jobs.subjects(session, tenant_id, list({change.job_id for change in bad})),
            endpoints,
            await self._endpoints.conditions(session, tenant_id, instances) if placed else {},
            await self._jobs.statuses(session, tenant_id, instances),
            {each: missed[each] + before.get(each, 0) for each in placed},
        )


def _wrong(change: Claimed, known: _Known, now: datetime) -> Wrong:
    job = known.jobs[change.job_id]
    changed = Changed(job.commit, job.changed_by, job.changed_at, made=job.changed_at <= job.created_at)
    endpoint = known.endpoints.get(change.endpoint_id) if change.endpoint_id is not None else None
    where = "" if change.endpoint_id is None else f" on {endpoint.name if endpoint else 'an endpoint'}"
    labels = frozenset(job.labels.items())
    return Wrong(
        About(change.to_state, job.severity, job.namespace, labels, change.job_id),
        f"{job.namespace}/{job.name} {_WORDS[change.to_state]}{where}",
        cause(_facts(change, known, endpoint, changed, now)),
        change.instance_id,
        change.endpoint_id,
        job.commit if changed.suspect(change.at) else None,
    )


def _facts(
    change: Claimed, known: _Known, endpoint: Endpoint | None, changed: Changed, now: datetime
) -> Facts:
    status = known.statuses.get(change.instance_id)
    condition = known.conditions.get(change.instance_id)
    warned = {warning.get("code") for warning in status.warnings} if status is not None else set()
    return Facts(
        change.to_state,
        change.reason,
        change.at,
        _host(endpoint, known.missed.get(endpoint.id, 0), now) if endpoint is not None else None,
        Condition(condition.type, condition.message) if condition is not None else None,
        status.last_run_state if status is not None else None,
        "overlap" in warned,
        changed,
    )


def _host(endpoint: Endpoint, missed: int, now: datetime) -> Host:
    seen = endpoint.last_seen_at
    return Host(
        endpoint.name,
        online=endpoint.offline_since is None and seen is not None and now - seen <= OVERDUE_AFTER,
        last_seen_at=seen,
        locked=endpoint.locked_at is not None,
        pending=endpoint.spool_pending,
        missed=missed,
    )
