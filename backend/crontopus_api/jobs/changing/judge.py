"""What a change of files must satisfy before it becomes the truth, whichever way it comes."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from anyio import to_thread
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.gitstore.host import TENANT_FILE
from crontopus_api.jobs import definitions_repository as definitions
from crontopus_api.jobs.policies import policies_in_force
from crontopus_api.jobs.projection.writing import duplicate_id
from crontopus_api.manifests import (
    DISCOVERED,
    JobManifest,
    ManifestError,
    ManifestInvalid,
    Policy,
    is_job_path,
    job_id,
    misplaced,
    parse_document,
    system_kind,
)
from crontopus_api.manifests.parse import Places, parse_job_located
from crontopus_api.manifests.policies import Violation, violations
from crontopus_api.tenants.plans import Plan
from crontopus_api.tenants.service import TenantService

# What a terminal shows at once is read; the rest waits for the next push.
_MOST_LINES = 50
# Above this many files, reading them would keep the event loop from everybody else.
_FILES_JUDGED_INLINE = 20
Edits = Mapping[str, bytes | None]


@dataclass
class Judgement:
    """`errors` refuse the change, `warnings` go with it. `jobs` has the changed files that are valid jobs."""

    errors: list[ManifestError] = field(default_factory=list)
    warnings: list[Violation] = field(default_factory=list)
    jobs: dict[str, JobManifest] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """What a pushing terminal shows, one line per error; empty when the push is welcome."""
        lines = [str(error) for error in self.errors]
        if len(lines) > _MOST_LINES:
            return [*lines[:_MOST_LINES], f"… and {len(lines) - _MOST_LINES} more"]
        return lines


@dataclass
class _Read:
    """The changed files, each by itself."""

    errors: list[ManifestError] = field(default_factory=list)
    jobs: dict[str, tuple[JobManifest, Places]] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)


class Judge:
    def __init__(self, tenants: TenantService) -> None:
        self._tenants = tenants

    async def judge(self, session: AsyncSession, tenant_id: UUID, edits: Edits) -> Judgement:
        """Every file by itself, then against the tenant's policies, its other jobs and its plan."""
        # As they will be with the change: whoever changes a policy and a job together is judged by the new one.
        in_force = await policies_in_force(session, tenant_id)
        if len(edits) <= _FILES_JUDGED_INLINE:
            judgement = judge_files(edits, in_force)
        else:
            judgement = await to_thread.run_sync(judge_files, edits, in_force)
        ids = {path: job_id(tenant_id, job) for path, job in judgement.jobs.items()}
        owners = await definitions.owners(session, tenant_id, list(edits), list(ids.values()))
        judgement.errors += _duplicates(edits, ids, owners)
        judgement.errors += await self._over_quota(session, tenant_id, edits, set(owners.values()))
        judgement.errors.sort(key=lambda error: (error.file, error.line or 0, error.column or 0))
        return judgement

    async def _over_quota(
        self, session: AsyncSession, tenant_id: UUID, edits: Edits, here: Container[str]
    ) -> list[ManifestError]:
        """Judged only where jobs become more: whoever is over the quota may still change and remove."""
        paths = [path for path in edits if is_job_path(path)]
        more = sum(edits[path] is not None and path not in here for path in paths)
        more -= sum(edits[path] is None and path in here for path in paths)
        if more <= 0:
            return []
        plan = await self._tenants.plan(session, tenant_id)
        count = await definitions.count_jobs(session, tenant_id) + more
        return [over_quota(plan, count)] if count > plan.jobs else []


def _duplicates(edits: Edits, ids: Mapping[str, UUID], owners: Mapping[UUID, str]) -> list[ManifestError]:
    # Whoever is changed or removed along with it has no claim but by what it says now.
    taken = {identifier: path for identifier, path in owners.items() if path not in edits}
    errors = []
    for path, identifier in sorted(ids.items()):
        owner = taken.setdefault(identifier, path)
        if owner != path:
            errors.append(duplicate_id(path, identifier, owner))
    return errors


def judge_files(edits: Edits, in_force: Mapping[str, Policy]) -> Judgement:
    """Each file by itself and against the policies: all that can be said without the tenant's other jobs."""
    read = read_edits(edits)
    judgement = Judgement(read.errors, jobs={path: job for path, (job, _) in read.jobs.items()})
    after = {**in_force, **read.policies}
    policies = [policy for path, policy in after.items() if edits.get(path, b"") is not None]
    for path, (job, places) in read.jobs.items():
        if job.metadata.namespace == DISCOVERED:
            continue  # it runs nowhere: whoever adopts it is told
        for violation in violations(path, job, policies, places):
            if violation.refuses:
                judgement.errors.append(violation.as_error())
            else:
                judgement.warnings.append(violation)
    return judgement


def read_edits(edits: Edits) -> _Read:
    """Judge each file by itself: all that can be said without the database."""
    read = _Read()
    for path, content in edits.items():
        if path == TENANT_FILE:
            message = "this file marks the repository as its tenant's and never changes"
            read.errors.append(
                ManifestError(path, None, None, "", "immutable_file", message, "restore it as it was")
            )
        elif content is not None:
            try:
                _read_one(path, content, read)
            except ManifestInvalid as invalid:
                read.errors += invalid.errors
    return read


def _read_one(path: str, content: bytes, read: _Read) -> None:
    wrong_place = misplaced(path)
    if wrong_place is not None:
        read.errors.append(wrong_place)
    elif is_job_path(path):
        read.jobs[path] = parse_job_located(path, content)
    elif system_kind(path) is not None:
        manifest = parse_document(path, content)
        if isinstance(manifest, Policy):
            read.policies[path] = manifest


def over_quota(plan: Plan, count: int) -> ManifestError:
    message = f"there would be {count} jobs, and the plan `{plan.name}` has room for {plan.jobs}"
    return ManifestError(
        "quota", None, None, "", "over_quota", message, "remove jobs, or ask for a larger plan"
    )


def told(errors: Iterable[ManifestError]) -> str:
    """The first error, and how many more there are."""
    first, *more = errors
    return str(first) + (f" … and {len(more)} more" if more else "")
