"""Machines that are silent, were copied, or cannot do what they should.

Events say where to look; what is wrong is read off the endpoint as it is now, so that a batch of events, whatever its
order, comes to the same, and what came and went between two looks is nobody's trouble.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts.routing import About
from crontopus_api.alerts.sources.finding import Finding, Subject, Wrong
from crontopus_api.endpoints.models import Endpoint
from crontopus_api.endpoints.service import EndpointService, Trouble
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.sql import Key

_CONDITIONS = {"Stalled": "sync_stalled", "Drifted": "drifted"}
_SEVERITIES = {
    "endpoint_offline": "error",
    "clone_suspected": "critical",
    "sync_stalled": "error",
    "drifted": "warning",
}


class Endpoints:
    def __init__(self, jobs: JobService, endpoints: EndpointService) -> None:
        self._jobs = jobs
        self._endpoints = endpoints

    async def findings(
        self, session: AsyncSession, endpoints: Mapping[Key, Endpoint], now: datetime
    ) -> list[Finding]:
        """Of each endpoint what is, and what is not wrong with it."""
        if not endpoints:
            return []
        troubles = await self._endpoints.troubles(session, list(endpoints))
        silent = [key for key, each in endpoints.items() if _silent(each)]
        jobs = await self._jobs.placed(session, silent) if silent else {}
        found = []
        for key, endpoint in endpoints.items():
            found += _of_machine(endpoint, jobs.get(key, 0), now)
            found += _of_conditions(endpoint, troubles.get(key, []), now)
        return found


def _silent(endpoint: Endpoint) -> bool:
    """A locked one is silent because it is locked."""
    return endpoint.offline_since is not None and endpoint.locked_at is None and endpoint.revoked_at is None


def _of_machine(endpoint: Endpoint, jobs: int, now: datetime) -> list[Finding]:
    revoked = endpoint.revoked_at is not None
    gone = "the endpoint was revoked"
    offline = Finding(
        _subject(endpoint, "endpoint_offline"), now, gone if revoked else "it is heard of again"
    )
    cloned = Finding(_subject(endpoint, "clone_suspected"), now, gone if revoked else "it was unlocked")
    if _silent(endpoint):
        assert endpoint.offline_since is not None
        heard = f"Last heard of at {endpoint.last_seen_at:%Y-%m-%d %H:%M:%S} UTC."
        words = f"{heard} {_count(jobs, 'job')} should run there." if jobs else heard
        wrong = _wrong(endpoint, "endpoint_offline", f"{endpoint.name} is offline", words)
        offline = Finding(offline.subject, endpoint.offline_since, words, wrong)
    if endpoint.locked_at is not None and not revoked:
        words = endpoint.lock_reason or "Two copies of it report."
        wrong = _wrong(endpoint, "clone_suspected", f"There seem to be two copies of {endpoint.name}", words)
        cloned = Finding(cloned.subject, endpoint.locked_at, words, wrong)
    return [offline, cloned]


def _of_conditions(endpoint: Endpoint, troubles: Sequence[Trouble], now: datetime) -> list[Finding]:
    by_type = {each.type: each for each in troubles} if endpoint.revoked_at is None else {}
    found = []
    for type_, kind in _CONDITIONS.items():
        subject, trouble = _subject(endpoint, kind), by_type.get(type_)
        if trouble is None:
            found.append(Finding(subject, now, "all of its jobs are as they should be"))
            continue
        jobs = _count(trouble.instances, "job")
        title = f"{jobs} {'cannot be scheduled' if kind == 'sync_stalled' else 'drifted'} on {endpoint.name}"
        wrong = _wrong(endpoint, kind, title, _reasons(trouble))
        found.append(Finding(subject, trouble.newest, title, wrong))
    return found


def _subject(endpoint: Endpoint, kind: str) -> Subject:
    return Subject(endpoint.tenant_id, kind, endpoint.id)


def _reasons(trouble: Trouble) -> str:
    said = trouble.message.strip()
    reasons = ", ".join(trouble.reasons)
    return f"{reasons}: {said}" if said else reasons


def _wrong(endpoint: Endpoint, kind: str, title: str, cause: str) -> Wrong:
    about = About(kind, _SEVERITIES[kind], labels=frozenset(endpoint.labels.items()))
    return Wrong(about, title, cause, endpoint_id=endpoint.id)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
