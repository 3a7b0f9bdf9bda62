from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, bindparam, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs.models import Document, InvalidFile, Job, Namespace, Repository, RetiredSigner
from crontopus_api.kit.schemas import JobRef
from crontopus_api.kit.sql import TENANTS, WANTED, Key, any_id, sent, table
from crontopus_api.live.topics import ANNOUNCE, announcement


class Subject(NamedTuple):
    """A job as an incident speaks of it. `repeat_every`: how often it wants to be told of again, if it says so."""

    namespace: str
    name: str
    severity: str
    labels: Mapping[str, str]
    commit: str
    changed_by: str
    changed_at: datetime
    created_at: datetime
    repeat_every: str | None


def _live(tenant_id: UUID) -> Select[Job]:
    return select(Job).where(Job.tenant_id == tenant_id, Job.deleted_at.is_(None))


async def get(session: AsyncSession, tenant_id: UUID, namespace: str, name: str) -> Job | None:
    return await session.scalar(_live(tenant_id).where(Job.namespace == namespace, Job.name == name))


async def last_of(session: AsyncSession, tenant_id: UUID, namespace: str, name: str) -> Job | None:
    """The job that was deleted last under that name."""
    query = select(Job).where(Job.tenant_id == tenant_id, Job.namespace == namespace, Job.name == name)
    return await session.scalar(query.order_by(Job.deleted_at.desc()).limit(1))


async def get_by_id(session: AsyncSession, tenant_id: UUID, job_id: UUID) -> Job | None:
    """Also a deleted one: its history is still shown."""
    return await session.scalar(select(Job).where(Job.tenant_id == tenant_id, Job.id == job_id))


async def refs(session: AsyncSession, tenant_id: UUID, job_ids: Sequence[UUID]) -> dict[UUID, JobRef]:
    query = select(Job.id, Job.namespace, Job.name).where(Job.tenant_id == tenant_id, any_id(Job.id, job_ids))
    rows = await session.execute(query)
    return {row.id: JobRef(id=row.id, namespace=row.namespace, name=row.name) for row in rows}


_ALERTS = Job.manifest["spec"]["alerts"]
_SUBJECTS = select(
    Job.tenant_id,
    Job.id,
    Job.namespace,
    Job.name,
    func.coalesce(_ALERTS["severity"].astext, "error"),
    Job.labels,
    Job.commit_id,
    Job.changed_by,
    Job.changed_at,
    Job.created_at,
    _ALERTS["repeatEvery"].astext,
).where(Job.tenant_id == WANTED.c.tenant_id, Job.id == WANTED.c.id)


async def subjects(session: AsyncSession, jobs: Collection[Key]) -> dict[Key, Subject]:
    rows = await session.execute(_SUBJECTS, sent(jobs))
    return {Key(*row[:2]): Subject(*row[2:]) for row in rows}


_COUNTS = (
    select(Job.tenant_id, func.count())
    .where(Job.tenant_id == TENANTS.c.tenant_id, Job.deleted_at.is_(None))
    .group_by(Job.tenant_id)
)


async def counts(session: AsyncSession, tenant_ids: Collection[UUID]) -> dict[UUID, int]:
    """Those that have none are left out."""
    return {row[0]: row[1] for row in await session.execute(_COUNTS, {"tenants": list(tenant_ids)})}


async def ids_matching(
    session: AsyncSession, tenant_id: UUID, namespace: str | None, labels: Sequence[tuple[str, str]]
) -> list[UUID]:
    query = select(Job.id).where(Job.tenant_id == tenant_id)
    if namespace is not None:
        query = query.where(Job.namespace == namespace)
    for name, value in labels:
        query = query.where(Job.labels.contains({name: value}))
    return list(await session.scalars(query))


async def live(session: AsyncSession, tenant_id: UUID) -> Sequence[Job]:
    return (await session.scalars(_live(tenant_id))).all()


async def with_command(session: AsyncSession, tenant_id: UUID) -> Sequence[Job]:
    return (await session.scalars(_live(tenant_id).where(Job.mode == "agent"))).all()


async def namespaces(session: AsyncSession, tenant_id: UUID) -> list[tuple[str, int]]:
    """Every namespace with its number of jobs; kept ones may have none."""
    rows = await session.execute(
        select(Job.namespace, func.count().label("jobs"))
        .where(Job.tenant_id == tenant_id, Job.deleted_at.is_(None))
        .group_by(Job.namespace)
    )
    kept = await session.scalars(select(Namespace.name).where(Namespace.tenant_id == tenant_id))
    found = dict.fromkeys(kept, 0) | {row.namespace: row.jobs for row in rows}
    return sorted(found.items())


class Locked(NamedTuple):
    """A tenant's repository row, and whether there is anything in the tables that mostly are empty."""

    repository: Repository
    has_policies: bool
    has_windows: bool
    has_invalid_files: bool


_LOCK_REPOSITORY = (
    select(
        Repository,
        exists().where(Document.tenant_id == bindparam("tenant"), Document.kind == "Policy"),
        exists().where(Document.tenant_id == bindparam("tenant"), Document.kind == "MaintenanceWindow"),
        exists().where(InvalidFile.tenant_id == bindparam("tenant")),
    )
    .where(Repository.tenant_id == bindparam("tenant"))
    .with_for_update(of=Repository)
)


async def lock_repository(session: AsyncSession, tenant_id: UUID) -> Locked:
    """The row every projection of a tenant takes first, so that they come one after the other."""
    rows = await session.execute(_LOCK_REPOSITORY, {"tenant": tenant_id})
    # After a wait for the lock the subqueries are of before it. Whoever waited finds another projected commit,
    # and starts again.
    return Locked(*rows.one())


_SET_PROJECTED = (
    update(table(Repository))
    .where(Repository.tenant_id == bindparam("tenant"))
    .values(
        problem=None, projected_commit=bindparam("projected_commit"), projected_at=bindparam("projected_at")
    )
    .returning(ANNOUNCE)
)


async def set_projected(session: AsyncSession, tenant_id: UUID, commit: str, now: datetime) -> None:
    """The projection is at `commit`: every open page hears of it when the transaction commits."""
    values = {"tenant": tenant_id, "projected_commit": commit, "projected_at": now}
    await session.execute(_SET_PROJECTED, values | announcement(tenant_id, "jobs", "head"))


async def get_repository(session: AsyncSession, tenant_id: UUID) -> Repository:
    row = await session.scalar(select(Repository).where(Repository.tenant_id == tenant_id))
    assert row is not None
    return row


async def add_repository(session: AsyncSession, tenant_id: UUID, slug: str) -> None:
    session.add(Repository(tenant_id=tenant_id, slug=slug))
    await session.flush()


async def mark_ready(session: AsyncSession, tenant_id: UUID, now: datetime) -> None:
    await session.execute(
        update(Repository)
        .where(Repository.tenant_id == tenant_id, Repository.ready_at.is_(None))
        .values(ready_at=now)
    )


async def tenant_of(session: AsyncSession, slug: str) -> UUID | None:
    """For the scanner's role only."""
    # cross-tenant: whose repository it is, is the question
    return await session.scalar(select(Repository.tenant_id).where(Repository.slug == slug))


async def invalid_files(session: AsyncSession, tenant_id: UUID) -> Sequence[InvalidFile]:
    query = select(InvalidFile).where(InvalidFile.tenant_id == tenant_id)
    return (await session.scalars(query.order_by(InvalidFile.path))).all()


async def set_problem(session: AsyncSession, tenant_id: UUID, problem: str) -> None:
    await session.execute(update(Repository).where(Repository.tenant_id == tenant_id).values(problem=problem))


async def all_repositories(session: AsyncSession) -> Sequence[Repository]:
    """For the scanner's role only."""
    # cross-tenant: workers look after all repositories
    return (await session.scalars(select(Repository).order_by(Repository.slug))).all()


async def retired_signers(session: AsyncSession) -> Sequence[RetiredSigner]:
    """Keys that sign no more, newest first."""
    return (await session.scalars(select(RetiredSigner).order_by(RetiredSigner.retired_at.desc()))).all()
