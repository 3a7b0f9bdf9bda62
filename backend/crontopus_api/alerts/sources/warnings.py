"""Jobs that run, but not as they should: too often, or much longer than usual. Until the next run that does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.alerts import repository
from crontopus_api.alerts.kinds import OF_WARNINGS
from crontopus_api.alerts.routing import about_job
from crontopus_api.alerts.sources.finding import Finding, Subject, Wrong
from crontopus_api.jobs.service import JobService, Warned
from crontopus_api.jobs.service import Subject as Job
from crontopus_api.kit.sql import Key

_SEVERITY = "warning"
_WORDS = {"too_often": "runs too often", "slow": "takes longer than usual"}


async def findings(session: AsyncSession, jobs: JobService, tenant_id: UUID, now: datetime) -> list[Finding]:
    """What is warned of now, and what was and is not any more."""
    warned = await jobs.warned(session, tenant_id)
    subjects = await jobs.subjects(session, {Key(tenant_id, each.job_id) for each in warned})
    opened = await repository.latest_warnings(session, tenant_id, [each.instance_id for each in warned])
    found: list[Finding] = []
    for row in warned:
        job = Key(tenant_id, row.job_id)
        found += _of(row, job, subjects[job], opened)
    said = {each.subject for each in found}
    for incident in await repository.open_of_kinds(session, tenant_id, OF_WARNINGS):
        assert incident.instance_id is not None
        subject = Subject(tenant_id, incident.kind, incident.instance_id)
        if subject not in said:
            found.append(Finding(subject, now, "the next run was as it should be"))
    return found


def _of(row: Warned, key: Key, job: Job, opened: Mapping[tuple[UUID, str], datetime]) -> Sequence[Finding]:
    found = []
    for warning in row.warnings:
        kind, at = warning.get("code"), _time(warning)
        if kind not in OF_WARNINGS:
            continue
        last = opened.get((row.instance_id, kind))
        about = replace(about_job(key.id, job, kind), severity=_SEVERITY)
        words = str(warning.get("message", ""))
        title = f"{job.namespace}/{job.name} {_WORDS[kind]}"
        # One that is over, as somebody said, and began with this very warning stays over: it is not said again.
        wrong = Wrong(about, title, words, row.instance_id, row.endpoint_id)
        subject = Subject(key.tenant_id, kind, row.instance_id)
        found.append(Finding(subject, at, words, wrong, said=last is not None and last >= at))
    return found


def _time(warning: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(warning["at"]))
