"""Jobs, instances and documents as the API shows them: pure functions from rows to schemas."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from crontopus_api.endpoints.models import EndpointCondition
from crontopus_api.jobs import schemas
from crontopus_api.jobs.changing.effects import next_runs
from crontopus_api.jobs.instances_repository import InstanceRow
from crontopus_api.jobs.list_repository import JobRow
from crontopus_api.jobs.models import Document, InstanceStatus, Job
from crontopus_api.jobs.standing import SEVERITY, shown_state
from crontopus_api.kit.schemas import EndpointRef, ErrorDetail, JobRef, utc_text
from crontopus_api.schedules import Schedule
from crontopus_api.schedules.calendar import clock_changes


def run_brief(status: InstanceStatus) -> schemas.RunBrief | None:
    if status.last_run_id is None:
        return None
    milliseconds = status.last_run_duration_ms
    return schemas.RunBrief(
        id=status.last_run_id,
        state=status.last_run_state,
        started_at=status.last_run_started_at,
        finished_at=status.last_run_finished_at,
        duration_seconds=None if milliseconds is None else milliseconds / 1000,
        exit_code=status.last_run_exit_code,
    )


def instance_out(
    row: InstanceRow,
    names: Mapping[UUID, str],
    conditions: Mapping[UUID, EndpointCondition],
    now: datetime,
) -> schemas.InstanceOut:
    instance, status, job = row
    condition = conditions.get(instance.id)
    endpoint = None
    if instance.endpoint_id is not None:
        endpoint = EndpointRef(id=instance.endpoint_id, name=names.get(instance.endpoint_id, "unknown"))
    return schemas.InstanceOut(
        id=instance.id,
        job=JobRef.model_validate(job),
        endpoint=endpoint,
        state=shown_state(status, now),
        since=status.since,
        due_at=status.due_at,
        deadline_at=status.deadline_at,
        last_run=run_brief(status),
        usual_seconds=None if status.usual_ms is None else status.usual_ms / 1000,
        warnings=[schemas.WarningOut.model_validate(warning) for warning in status.warnings],
        condition=schemas.ConditionOut.model_validate(condition) if condition else None,
    )


def _next_run(job: JobRow, now: datetime) -> str | None:
    if job.due_at is not None or job.instances is None or job.paused or not job.enabled:
        return job.due_at
    schedule = tuple(job.schedule)
    slot = _slot_after(schedule, job.timezone, now.replace(second=0, microsecond=0))
    if slot is not None and slot <= now:  # it lies between the last full minute and now
        slot = _slot_after(schedule, job.timezone, now)
    return utc_text(slot) if slot else None


@lru_cache(maxsize=8192)
def _slot_after(schedule: tuple[str, ...], timezone: str, instant: datetime) -> datetime | None:
    """A list of a thousand jobs asks this of each, again and again, and the answer takes some searching."""
    return Schedule.parse(schedule, timezone).next_after(instant)


def job_summary(job: JobRow, now: datetime) -> dict[str, Any]:
    """The fields of `schemas.JobSummary`, as they are sent.

    Plain, because a list is a thousand of them: to validate what is our own would take longer than to find it.
    """
    return {
        "id": job.id,
        "namespace": job.namespace,
        "name": job.name,
        "mode": job.mode,
        "schedule": job.schedule,
        "timezone": job.timezone,
        "enabled": job.enabled,
        "paused": job.paused,
        "labels": msgspec.Raw(job.labels),
        "description": job.description,
        "state": "none" if job.rank is None else SEVERITY[job.rank],
        "instances": {"total": job.instances or 0, "by_state": msgspec.Raw(job.by_state or "{}")},
        "warnings": job.warned or 0,
        "next_run_at": _next_run(job, now),
        "last_run": _last_run(job),
        "commit": job.commit_id,
        "changed_by": job.changed_by,
        "changed_at": job.changed_at,
        "updated_at": job.updated_at,
        "errors": _details(job.errors),
        "violations": _details(job.violations),
    }


def _last_run(job: JobRow) -> dict[str, Any] | None:
    if job.last_run_id is None:
        return None
    milliseconds = job.last_run_duration_ms
    return {
        "id": job.last_run_id,
        "state": job.last_run_state,
        "started_at": job.last_run_started_at,
        "finished_at": job.last_run_finished_at,
        "duration_seconds": None if milliseconds is None else milliseconds / 1000,
        "exit_code": job.last_run_exit_code,
    }


def document_out(row: Document) -> schemas.DocumentOut:
    return schemas.DocumentOut(
        kind=row.kind,
        name=row.name,
        path=row.path,
        manifest=row.manifest,
        yaml=row.source,
        etag=row.blob_id,
        commit=row.commit_id,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )


def _details(errors: str | None) -> list[dict[str, Any]]:
    if errors is None or errors == "[]":
        return []
    return [
        ErrorDetail.model_validate(error).model_dump(mode="json") for error in msgspec.json.decode(errors)
    ]


def next_runs_out(job: Job, now: datetime, count: int) -> schemas.NextRuns:
    schedule = Schedule.parse(job.schedule, job.timezone)
    return schemas.NextRuns(
        items=next_runs(job.schedule, job.timezone, now, count),
        timezone=job.timezone,
        schedule_text=schedule.describe(),
        clock_changes=[
            schemas.ClockChange(at=change.at, kind=change.kind, slots=list(change.slots), text=change.text)
            for change in clock_changes(schedule, now)
        ],
    )
