"""The projection's tables, written many rows at a time. Callers hold the tenant's repository row locked."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    CompoundSelect,
    Text,
    bindparam,
    cast,
    delete,
    func,
    not_,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs.models import Document, InvalidFile, Job, JobPingKey, Namespace
from crontopus_api.kit.sql import TENANTS, any_id, any_text, table, upsert

Row = dict[str, Any]


async def paths_of(session: AsyncSession, tenant_id: UUID, job_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Where the live ones among these jobs are."""
    query = select(Job.id, Job.path).where(
        Job.tenant_id == tenant_id, Job.deleted_at.is_(None), any_id(Job.id, job_ids)
    )
    return {row.id: row.path for row in await session.execute(query)}


def _leave() -> CompoundSelect[Any]:
    live = (Job.tenant_id == bindparam("tenant")) & Job.deleted_at.is_(None)
    left = (
        update(Job)
        .where(live, any_text(Job.path, "paths"))
        .values(deleted_at=bindparam("now"), updated_at=bindparam("now"))
        .returning(Job.id, Job.mode)
        .execution_options(synchronize_session=False)
        .cte("left_here")
    )
    # Both halves see the table as it was, so what has just left is told from the rest by its path.
    elsewhere = select(Job.id, Job.mode, Job.path).where(
        live, any_id(Job.id, "wanted"), not_(any_text(Job.path, "paths"))
    )
    return union_all(select(left.c.id, left.c.mode, cast(None, Text).label("path")), elsewhere)


# Statements of every change are built once: building them costs as much as PostgreSQL takes to run them.
_LEAVE = _leave()


class Left(NamedTuple):
    """`modes` of those that left their address; `elsewhere` are the wanted ids that live at paths nobody touched."""

    modes: dict[UUID, str]
    elsewhere: dict[UUID, str]


async def leave_addresses(
    session: AsyncSession, tenant_id: UUID, paths: Sequence[str], wanted: Sequence[UUID], now: datetime
) -> Left:
    """Mark deleted what lives at these paths, and look where else the wanted jobs live, in one statement."""
    rows = await session.execute(
        _LEAVE, {"tenant": tenant_id, "paths": list(paths), "wanted": list(wanted), "now": now}
    )
    found = Left({}, {})
    for row in rows:
        if row.path is None:
            found.modes[row.id] = row.mode
        else:
            found.elsewhere[row.id] = row.path
    return found


_PUT_JOB = upsert(Job, key=["tenant_id", "id"], keep=["created_at"])
_PUT_DOCUMENT = upsert(Document, key=["tenant_id", "path"])


async def put_jobs(session: AsyncSession, rows: Sequence[Row]) -> None:
    """Insert jobs, or bring back those that left their address."""
    if not rows:
        return
    await session.execute(_PUT_JOB, list(rows))


class Source(NamedTuple):
    id: UUID
    path: str
    source: str
    violations: list[Row]


async def sources(session: AsyncSession, tenant_id: UUID) -> list[Source]:
    """The file of every live job."""
    query = select(Job.id, Job.path, Job.source, Job.violations).where(
        Job.tenant_id == tenant_id, Job.deleted_at.is_(None)
    )
    return [Source(*row) for row in await session.execute(query)]


async def set_violations(session: AsyncSession, rows: Sequence[Row]) -> None:
    """Each row: `key_tenant`, `key_id`, `violations`."""
    if rows:
        jobs = table(Job)
        statement = (
            update(jobs)
            .where(jobs.c.tenant_id == bindparam("key_tenant"), jobs.c.id == bindparam("key_id"))
            .values(violations=bindparam("violations"))
        )
        await session.execute(statement, list(rows))


async def put_documents(
    session: AsyncSession, tenant_id: UUID, gone: Sequence[str], rows: Sequence[Row]
) -> None:
    if gone:
        await session.execute(
            delete(Document).where(Document.tenant_id == tenant_id, any_text(Document.path, gone))
        )
    if rows:
        await session.execute(_PUT_DOCUMENT, list(rows))


async def replace_invalid(
    session: AsyncSession, tenant_id: UUID, looked_at: Sequence[str], rows: Sequence[Row]
) -> None:
    """Of the paths looked at, exactly `rows` are invalid now."""
    if looked_at:
        await session.execute(
            delete(InvalidFile).where(
                InvalidFile.tenant_id == tenant_id, any_text(InvalidFile.path, looked_at)
            )
        )
    if rows:
        await session.execute(insert(table(InvalidFile)), list(rows))


async def set_namespaces(session: AsyncSession, tenant_id: UUID, namespaces: Mapping[str, bool]) -> None:
    """True: the folder is kept as a namespace; False: no longer."""
    gone = [name for name, kept in namespaces.items() if not kept]
    if gone:
        await session.execute(
            delete(Namespace).where(Namespace.tenant_id == tenant_id, any_text(Namespace.name, gone))
        )
    rows = [{"tenant_id": tenant_id, "name": name} for name, kept in namespaces.items() if kept]
    if rows:
        await session.execute(insert(table(Namespace)).on_conflict_do_nothing(), rows)


async def with_ping_key(session: AsyncSession, tenant_id: UUID, job_ids: Sequence[UUID]) -> set[UUID]:
    if not job_ids:
        return set()
    query = select(JobPingKey.job_id).where(
        JobPingKey.tenant_id == tenant_id, any_id(JobPingKey.job_id, job_ids)
    )
    return set(await session.scalars(query))


async def add_ping_keys(session: AsyncSession, rows: Sequence[Row]) -> None:
    if rows:
        await session.execute(insert(table(JobPingKey)).on_conflict_do_nothing(), list(rows))


_DOCUMENTS = select(Document).where(Document.tenant_id == bindparam("tenant")).order_by(Document.path)
_DOCUMENTS_OF_KIND = _DOCUMENTS.where(Document.kind == bindparam("kind"))


async def documents(session: AsyncSession, tenant_id: UUID, kind: str | None) -> Sequence[Document]:
    """Of one kind; None: of all."""
    wanted = {"tenant": tenant_id, "kind": kind}
    return (await session.scalars(_DOCUMENTS if kind is None else _DOCUMENTS_OF_KIND, wanted)).all()


class RoutingSource(NamedTuple):
    tenant_id: UUID
    path: str
    source: str


_ROUTING = select(Document.tenant_id, Document.path, Document.source).where(
    Document.tenant_id == TENANTS.c.tenant_id, Document.kind.in_(("AlertRoute", "MaintenanceWindow"))
)


async def routing_sources(session: AsyncSession, tenant_ids: Collection[UUID]) -> list[RoutingSource]:
    """The files that say who is told of incidents, and when."""
    return [RoutingSource(*row) for row in await session.execute(_ROUTING, {"tenants": list(tenant_ids)})]


async def invalid_files(session: AsyncSession, tenant_id: UUID) -> Sequence[InvalidFile]:
    query = select(InvalidFile).where(InvalidFile.tenant_id == tenant_id).order_by(InvalidFile.path)
    return (await session.scalars(query)).all()


async def count_jobs(session: AsyncSession, tenant_id: UUID) -> int:
    query = select(func.count()).select_from(Job).where(Job.tenant_id == tenant_id, Job.deleted_at.is_(None))
    return await session.scalar(query) or 0


_OWNERS = select(Job.id, Job.path).where(
    Job.tenant_id == bindparam("tenant"),
    Job.deleted_at.is_(None),
    or_(any_text(Job.path, "paths"), any_id(Job.id, "job_ids")),
)


async def owners(
    session: AsyncSession, tenant_id: UUID, paths: Sequence[str], job_ids: Sequence[UUID]
) -> dict[UUID, str]:
    """Path by id, of the jobs that live at these paths or have these ids."""
    wanted = {"tenant": tenant_id, "paths": list(paths), "job_ids": list(job_ids)}
    return {row.id: row.path for row in await session.execute(_OWNERS, wanted)}


class Snapshot(NamedTuple):
    """What the projection says of one file, for comparing."""

    kind: str
    id: UUID | None
    blob_id: str
    commit_id: str
    manifest: Any
    violations: Any


async def snapshot(session: AsyncSession, tenant_id: UUID) -> dict[str, Snapshot]:
    """Everything that is projected of a tenant's files, by path."""
    jobs = await session.execute(
        select(Job.path, Job.id, Job.blob_id, Job.commit_id, Job.manifest, Job.violations).where(
            Job.tenant_id == tenant_id, Job.deleted_at.is_(None)
        )
    )
    others = await session.execute(
        select(Document.path, Document.kind, Document.blob_id, Document.commit_id, Document.manifest).where(
            Document.tenant_id == tenant_id
        )
    )
    found = {row.path: Snapshot("Job", *row[1:]) for row in jobs}
    found |= {
        row.path: Snapshot(row.kind, None, row.blob_id, row.commit_id, row.manifest, []) for row in others
    }
    return found


async def kept_namespaces(session: AsyncSession, tenant_id: UUID) -> list[str]:
    return list(await session.scalars(select(Namespace.name).where(Namespace.tenant_id == tenant_id)))
