"""Jobs and instances as the API shows them: pure functions from rows to schemas."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from crontopus_api.endpoints.models import EndpointCondition
from crontopus_api.jobs import schemas
from crontopus_api.jobs.changing.effects import next_runs
from crontopus_api.jobs.instances_repository import InstanceRow
from crontopus_api.jobs.models import InstanceStatus, Job
from crontopus_api.jobs.repository import SEVERITY
from crontopus_api.kit.schemas import EndpointRef, ErrorDetail, JobRef
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
    row: InstanceRow, names: Mapping[UUID, str], conditions: Mapping[UUID, EndpointCondition]
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
        state=status.state,
        since=status.since,
        due_at=status.due_at,
        deadline_at=status.deadline_at,
        last_run=run_brief(status),
        condition=schemas.ConditionOut.model_validate(condition) if condition else None,
    )


def _latest_run(rows: Sequence[InstanceRow]) -> schemas.RunBrief | None:
    briefs = [brief for row in rows if (brief := run_brief(row.status)) is not None]
    # UUIDv7: the newest id is the newest run.
    return max(briefs, key=lambda brief: brief.id, default=None)


def _next_run(job: Job, rows: Sequence[InstanceRow], now: datetime) -> datetime | None:
    due = [row.status.due_at for row in rows if row.status.due_at is not None and row.status.due_at > now]
    if due:
        return min(due)
    if not rows or job.paused or not job.enabled:
        return None
    return Schedule.parse(job.schedule, job.timezone).next_after(now)


def job_summary(
    job: Job, rows: Sequence[InstanceRow], errors: Sequence[Mapping[str, Any]], now: datetime
) -> schemas.JobSummary:
    states = Counter(row.status.state for row in rows)
    state = min(states, key=SEVERITY.index, default="none")
    annotations = job.manifest["metadata"].get("annotations", {})
    return schemas.JobSummary(
        id=job.id,
        namespace=job.namespace,
        name=job.name,
        mode=job.mode,
        schedule=job.schedule,
        timezone=job.timezone,
        enabled=job.enabled,
        paused=job.paused,
        labels=job.labels,
        description=annotations.get("description"),
        state=state,
        instances=schemas.InstanceCounts(total=len(rows), by_state=dict(states)),
        next_run_at=_next_run(job, rows, now),
        last_run=_latest_run(rows),
        commit=job.commit_id,
        changed_by=job.changed_by,
        changed_at=job.changed_at,
        updated_at=job.updated_at,
        errors=[ErrorDetail.model_validate(error) for error in errors],
        violations=[ErrorDetail.model_validate(violation) for violation in job.violations],
    )


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
