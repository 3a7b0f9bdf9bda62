"""What other rooms need to know of a tenant's repository: that it is to be made, and where it stands."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.jobs import repository
from crontopus_api.tenants.service import TenantCreated


@dataclass(frozen=True)
class Standing:
    """A tenant's repository as far as the database knows it."""

    tenant_id: UUID
    slug: str
    made: bool
    projected_commit: str | None


async def on_tenant_created(session: AsyncSession, event: TenantCreated) -> None:
    """Note that the tenant needs a repository; it is made at first use, or by a worker."""
    await repository.add_repository(session, event.tenant_id, event.slug)


async def head_of(session: AsyncSession, tenant_id: UUID) -> str | None:
    """The commit that endpoints should be at: the one the projection is at."""
    return (await repository.get_repository(session, tenant_id)).projected_commit


async def all_standings(session: AsyncSession) -> list[Standing]:
    """Of every tenant: for the scanner's role only."""
    rows = await repository.all_repositories(session)
    return [Standing(row.tenant_id, row.slug, row.ready_at is not None, row.projected_commit) for row in rows]


async def tenant_of(session: AsyncSession, slug: str) -> UUID | None:
    """Whose repository that is: for the scanner's role only."""
    return await repository.tenant_of(session, slug)


@dataclass(frozen=True)
class Ailing:
    """What is wrong with a repository. `paths`: of files that are not valid; `newest`: when the last of them became so;
    `problem`: why main cannot be read at all."""

    paths: list[str]
    newest: datetime | None
    first_error: str | None
    problem: str | None


async def ailing_of(session: AsyncSession, tenant_id: UUID) -> Ailing | None:
    """None: nothing is wrong."""
    problem = (await repository.get_repository(session, tenant_id)).problem
    invalid = await repository.invalid_files(session, tenant_id)
    if not invalid and problem is None:
        return None
    errors = invalid[0].errors if invalid else []
    return Ailing(
        [each.path for each in invalid],
        max((each.changed_at for each in invalid), default=None),
        str(errors[0].get("message")) if errors else None,
        problem,
    )
