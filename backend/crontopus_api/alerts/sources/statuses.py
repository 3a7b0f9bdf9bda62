"""Jobs that are missed, failing or stuck: from the changes of status that the engine wrote."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import repository
from crontopus_api.alerts.causes import Changed, Condition, Facts, Host, cause
from crontopus_api.alerts.claims import OVERDUE_AFTER, Claimed
from crontopus_api.alerts.kinds import OF_STATUS
from crontopus_api.alerts.routing import about_job
from crontopus_api.alerts.sources.finding import Finding, Wrong, of_status
from crontopus_api.endpoints.models import Endpoint, EndpointCondition
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs.service import JobService, Ran, Subject
from crontopus_api.kit.sql import Key

_GOOD = ("new", "healthy", "running", "paused", "retired")
_ENDED = ("paused", "retired")
_WORDS = {"missed": "was missed", "failing": "is failing", "stuck": "is stuck"}


@dataclass(frozen=True)
class _Known:
    jobs: Mapping[Key, Subject]
    endpoints: Mapping[Key, Endpoint]
    conditions: Mapping[Key, EndpointCondition]
    ran: Mapping[Key, Ran]
    missed: Mapping[Key, int]


class Statuses:
    def __init__(self, jobs: JobService, endpoints: EndpointService) -> None:
        self._jobs = jobs
        self._endpoints = endpoints

    async def findings(
        self,
        session: AsyncSession,
        changes: Sequence[Claimed],
        endpoints: Mapping[Key, Endpoint],
        now: datetime,
    ) -> list[Finding]:
        """At most one of each instance; however many, it takes the same few statements."""
        bad = [change for change in changes if change.to_state in OF_STATUS]
        known = await self._look_up(session, bad, endpoints) if bad else None
        found = []
        for change in changes:
            subject = of_status(change.instance)
            if known is not None and change.to_state in OF_STATUS:
                found.append(Finding(subject, change.at, change.reason, _wrong(change, known, now)))
            elif change.to_state in _GOOD:
                ended = change.to_state in _ENDED
                found.append(Finding(subject, change.at, change.reason, ended=ended))
        return found

    async def _look_up(
        self, session: AsyncSession, bad: Sequence[Claimed], endpoints: Mapping[Key, Endpoint]
    ) -> _Known:
        instances = [change.instance for change in bad]
        placed = {change.endpoint for change in bad if change.endpoint is not None}
        missed = Counter(change.endpoint for change in bad if change.to_state == "missed")
        before = await repository.missed_of_endpoints(session, placed) if placed else {}
        return _Known(
            await self._jobs.subjects(session, {change.job for change in bad}),
            endpoints,
            await self._endpoints.conditions(session, instances) if placed else {},
            await self._jobs.ran(session, instances),
            {each: missed[each] + before.get(each, 0) for each in placed},
        )


def _wrong(change: Claimed, known: _Known, now: datetime) -> Wrong:
    job = known.jobs[change.job]
    changed = Changed(job.commit, job.changed_by, job.changed_at, made=job.changed_at <= job.created_at)
    endpoint = known.endpoints.get(change.endpoint) if change.endpoint is not None else None
    where = "" if change.endpoint_id is None else f" on {endpoint.name if endpoint else 'an endpoint'}"
    return Wrong(
        about_job(change.job_id, job, change.to_state),
        f"{job.namespace}/{job.name} {_WORDS[change.to_state]}{where}",
        cause(_facts(change, known, endpoint, changed, now)),
        change.instance_id,
        change.endpoint_id,
        job.commit if changed.suspect(change.at) else None,
    )


def _facts(
    change: Claimed, known: _Known, endpoint: Endpoint | None, changed: Changed, now: datetime
) -> Facts:
    ran = known.ran.get(change.instance)
    condition = known.conditions.get(change.instance)
    warned = {warning.get("code") for warning in ran.warnings} if ran is not None else set()
    return Facts(
        change.to_state,
        change.reason,
        change.at,
        _host(endpoint, known.missed.get(change.endpoint, 0), now) if change.endpoint and endpoint else None,
        Condition(condition.type, condition.message) if condition is not None else None,
        ran.last_run_state if ran is not None else None,
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
