"""What a change of files would do: to jobs, to endpoints, to what runs next. Nothing here changes anything."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from anyio import to_thread
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.endpoints.models import Endpoint
from crontopus_api.endpoints.service import EndpointService
from crontopus_api.jobs import definitions_repository as definitions
from crontopus_api.jobs import schemas
from crontopus_api.jobs.changing.judge import Judge, Judgement
from crontopus_api.jobs.history import unified_diff
from crontopus_api.jobs.instances import places_of
from crontopus_api.jobs.policies import violations_of
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.schemas import EndpointRef, ErrorDetail
from crontopus_api.manifests import (
    JobManifest,
    ManifestInvalid,
    Policy,
    is_job_path,
    job_id,
    parse_document,
    parse_job,
    split_job_path,
    system_kind,
    to_mapping,
)
from crontopus_api.schedules import Schedule
from crontopus_api.schedules.zones import load_zone

Contents = Mapping[str, bytes | None]
_NEXT_RUNS = 3
_FILES_TOLD_INLINE = 20
# What one answer holds; the counts in the summary are of everything.
_MOST_SHOWN = 1_000


class Effects:
    def __init__(self, judge: Judge, endpoints: EndpointService, clock: Clock) -> None:
        self._judge = judge
        self._endpoints = endpoints
        self._clock = clock

    async def plan(
        self,
        session: AsyncSession,
        tenant_id: UUID,
        base: str | None,
        before: Contents,
        after: Contents,
        conflicts: Sequence[str] = (),
    ) -> schemas.PlanOut:
        """`before` and `after` hold the same paths: every file that would change."""
        differing = {path: content for path, content in after.items() if before[path] != content}
        judgement = await self._judge.judge(session, tenant_id, differing)
        endpoints = await self._endpoints.active(session, tenant_id)
        jobs = partial(_told, tenant_id, before, differing, judgement, endpoints, self._clock.now())
        # A large branch takes seconds to work out, in which everybody else must be served.
        told = jobs() if len(differing) <= _FILES_TOLD_INLINE else await to_thread.run_sync(jobs)
        warnings = [violation.as_dict() for violation in judgement.warnings]
        warnings += await self._on_other_jobs(session, tenant_id, differing)
        return schemas.PlanOut(
            base=base,
            summary=told.summary,
            changes=told.changes,
            files=[_file_out(path, before[path], differing[path]) for path in _other_files(differing)],
            endpoints=told.endpoints,
            errors=[ErrorDetail.model_validate(error.as_dict()) for error in judgement.errors[:_MOST_SHOWN]],
            warnings=[ErrorDetail.model_validate(warning) for warning in warnings[:_MOST_SHOWN]],
            conflicts=list(conflicts),
            applicable=not judgement.errors and not conflicts,
        )

    async def _on_other_jobs(
        self, session: AsyncSession, tenant_id: UUID, changed: Contents
    ) -> list[dict[str, Any]]:
        """What changed policies make of jobs that the change leaves alone: told, never refused."""
        policies = _policies(changed)
        if not policies:
            return []
        jobs = await definitions.sources(session, tenant_id)
        return [
            violation
            for job in jobs
            if job.path not in changed
            for violation in violations_of(job.path, job.source.encode(), policies)
        ]


class _Change:
    """One job that would be another: its file and manifest on both sides, None where there is none."""

    def __init__(self, identifier: UUID, path: str) -> None:
        self.id = identifier
        self.path = path
        self.old_path = path
        self.before: JobManifest | None = None
        self.after: JobManifest | None = None
        self.source_before: bytes | None = None
        self.source_after: bytes | None = None

    @property
    def action(self) -> str:
        if self.source_before is None:
            return "added"
        if self.source_after is None:
            return "removed"
        return "moved" if self.old_path != self.path else "changed"


class _Told(NamedTuple):
    summary: schemas.PlanSummary
    changes: list[schemas.JobChange]
    endpoints: list[EndpointRef]


def _told(
    tenant_id: UUID,
    before: Contents,
    after: Contents,
    judgement: Judgement,
    endpoints: Sequence[Endpoint],
    now: datetime,
) -> _Told:
    """Counts and endpoints are of every change, the changes themselves the first of them."""
    changes = _job_changes(tenant_id, before, after, judgement)
    shown = [_job_out(change, endpoints, now) for change in changes[:_MOST_SHOWN]]
    places: set[UUID] = set()
    for change in changes:
        places |= _places(change.before, endpoints) | _places(change.after, endpoints)
    affected = [EndpointRef(id=each.id, name=each.name) for each in endpoints if each.id in places]
    return _Told(_summary(changes), shown, sorted(affected, key=lambda endpoint: endpoint.name))


def _job_changes(tenant_id: UUID, before: Contents, after: Contents, judgement: Judgement) -> list[_Change]:
    removed: dict[UUID, _Change] = {}
    changes: list[_Change] = []
    for path in sorted(filter(is_job_path, after)):
        old = _parsed(path, before[path])
        new = judgement.jobs.get(path)
        manifest = new or old
        identifier = job_id(tenant_id, manifest if manifest else path.removesuffix(".yaml"))
        change = _Change(identifier, path)
        change.before, change.after = old, new
        change.source_before, change.source_after = before[path], after[path]
        if after[path] is None:
            removed[identifier] = change
        changes.append(change)
    return _joined(changes, removed)


def _joined(changes: list[_Change], removed: dict[UUID, _Change]) -> list[_Change]:
    """A job that leaves one path and appears at another has moved."""
    for change in changes:
        gone = removed.get(change.id)
        if gone is not None and change.source_before is None and change.after is not None:
            change.old_path = gone.path
            change.before, change.source_before = gone.before, gone.source_before
            removed.pop(change.id)
            changes = [each for each in changes if each is not gone]
    return changes


def _job_out(change: _Change, endpoints: Sequence[Endpoint], now: datetime) -> schemas.JobChange:
    namespace, name = split_job_path(change.path)
    was, will = _places(change.before, endpoints), _places(change.after, endpoints)
    by_id = {endpoint.id: EndpointRef(id=endpoint.id, name=endpoint.name) for endpoint in endpoints}
    return schemas.JobChange(
        action=change.action,
        id=change.id,
        namespace=namespace,
        name=name,
        path=change.path,
        moved_from=change.old_path if change.old_path != change.path else None,
        fields=_fields(change.before, change.after),
        endpoints_gained=[by_id[each] for each in sorted(will - was)],
        endpoints_lost=[by_id[each] for each in sorted(was - will)],
        endpoints_kept=[by_id[each] for each in sorted(was & will)],
        schedule_text=change.after.spec.parsed_schedule().describe() if change.after else None,
        next_runs=_next_runs(change.after, now),
        diff=unified_diff(change.source_before, change.source_after, change.old_path, change.path),
    )


def _places(manifest: JobManifest | None, endpoints: Sequence[Endpoint]) -> set[UUID]:
    places = places_of(UUID(int=0), manifest, endpoints).values()
    return {endpoint_id for endpoint_id in places if endpoint_id is not None}


def _next_runs(manifest: JobManifest | None, now: datetime) -> list[schemas.NextRun]:
    if manifest is None or manifest.spec.paused or not manifest.spec.enabled:
        return []
    return next_runs(manifest.spec.schedule, manifest.spec.timezone, now, _NEXT_RUNS)


def next_runs(
    expressions: Sequence[str], timezone: str, after: datetime, count: int
) -> list[schemas.NextRun]:
    """The next slots in UTC and in the job's own zone; fewer than `count` when there are no more."""
    schedule, zone = Schedule.parse(expressions, timezone), load_zone(timezone)
    found: list[schemas.NextRun] = []
    slot = schedule.next_after(after)
    while slot is not None and len(found) < count:
        found.append(schemas.NextRun(at=slot, local=slot.astimezone(zone).isoformat()))
        slot = schedule.next_after(slot)
    return found


def _fields(before: JobManifest | None, after: JobManifest | None) -> list[schemas.FieldChange]:
    """The settings that differ, by dotted place. Nothing for jobs that come or go: that is all of them."""
    if before is None or after is None:
        return []
    old, new = _flat(to_mapping(before)), _flat(to_mapping(after))
    places = [*old, *(place for place in new if place not in old)]
    return [
        schemas.FieldChange(path=place, before=old.get(place), after=new.get(place))
        for place in places
        if old.get(place) != new.get(place)
    ]


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _parsed(path: str, content: bytes | None) -> JobManifest | None:
    if content is None:
        return None
    try:
        return parse_job(path, content)
    except ManifestInvalid:
        return None  # what is there now is broken; there is nothing to compare with


def _policies(changed: Contents) -> list[Policy]:
    found = []
    for path, content in changed.items():
        if content is None or system_kind(path) != "Policy":
            continue
        try:
            policy = parse_document(path, content)
        except ManifestInvalid:
            continue  # the judge has said what is wrong with it
        if isinstance(policy, Policy):
            found.append(policy)
    return found


def _other_files(differing: Contents) -> list[str]:
    return sorted(path for path in differing if not is_job_path(path))[:_MOST_SHOWN]


def _file_out(path: str, before: bytes | None, after: bytes | None) -> schemas.FileChange:
    action = "added" if before is None else "removed" if after is None else "changed"
    return schemas.FileChange(
        action=action, path=path, kind=system_kind(path), diff=unified_diff(before, after, path, path)
    )


def _summary(changes: Sequence[_Change]) -> schemas.PlanSummary:
    count = Counter(change.action for change in changes)
    return schemas.PlanSummary(**{action: count[action] for action in schemas.PlanSummary.model_fields})
