"""The export of a tenant: its repository, its rows, its members, and how many of each.

repository.bundle   clones with `git clone repository.bundle`
settings.json       the tenant, its plan, its members
{table}.ndjson      one JSON document per row: runs, run_outputs, jobs, endpoints, incidents, documents, audit_log…
manifest.json       what is in it, written last: an archive without it is not whole

All of the database as of one instant; the repository of a little later, which is the truth that the jobs' rows are
made from.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import UUID

from anyio import to_thread
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.gitstore.bare.bundles import Bundle
from crontopus_api.gitstore.errors import GitStoreError, RepositoryMissing
from crontopus_api.identity import scopes
from crontopus_api.identity.principal import Principal
from crontopus_api.identity.tenancy import people
from crontopus_api.identity.tenancy.exporting import tables
from crontopus_api.identity.tenancy.exporting.archive import Archive
from crontopus_api.identity.tenancy.exporting.following import followed
from crontopus_api.kit import audit
from crontopus_api.kit.audit import Subject
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database, Scope
from crontopus_api.kit.errors import Unavailable
from crontopus_api.kit.schemas import utc_text
from crontopus_api.tenants.members import MemberService
from crontopus_api.tenants.service import TenantService

FORMAT = 1
_MEMBERS = 500


class Bundler(Protocol):
    async def backup(self, slug: str, target: Path) -> Bundle: ...


class ExportService:
    """`directory`: where an export is while it is made and fetched."""

    def __init__(
        self,
        database: Database,
        git: Bundler,
        tenants: TenantService,
        members: MemberService,
        clock: Clock,
        directory: Path,
    ) -> None:
        self._database = database
        self._git = git
        self._tenants = tenants
        self._members = members
        self._clock = clock
        self._directory = directory

    async def stream(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        """The zip file, as it is made. Raises Forbidden or Unavailable before its first bytes."""
        principal.require(scopes.TENANT_ADMIN)
        async with self._database.tenant(principal.tenant_id, principal.user_id) as session:
            await audit.record(
                session,
                "tenant.exported",
                principal.actor(),
                Subject("tenant", principal.tenant_id, principal.tenant_slug),
                at=self._clock.now(),
                tenant_id=principal.tenant_id,
            )

        async def write(path: Path) -> None:
            try:
                await self._write(path, principal)
            except GitStoreError as error:
                raise Unavailable("The repository cannot be read now.", retry_after_seconds=30) from error

        # Closed with this one: who goes away leaves no transaction open.
        async with aclosing(followed(self._directory, write)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _write(self, path: Path, principal: Principal) -> None:
        tenant_id, slug = principal.tenant_id, principal.tenant_slug
        scope = Scope(tenant_id=tenant_id, user_id=principal.user_id)
        file = await to_thread.run_sync(_open, path)
        with file, Archive(file, self._clock.now()) as archive:
            async with tables.snapshot(self._database, scope) as session:
                # The first statement fixes the instant; only then the repository.
                settings = await self._settings(session, tenant_id)
                head = await self._bundle(archive, slug, path.with_name("repository.bundle"))
                await archive.add("settings.json", settings)
                for table in tables.exported():
                    await _add_table(archive, session, table, tenant_id)
            about: dict[str, Any] = {
                "format": FORMAT,
                "tenant": {"id": tenant_id, "slug": slug},
                "repository_head": head,
            }
            about |= {"exported_at": utc_text(self._clock.now()), "rows": archive.counts}
            await archive.add("manifest.json", about)

    async def _settings(self, session: AsyncSession, tenant_id: UUID) -> dict[str, Any]:
        tenant = await self._tenants.get(session, tenant_id, "owner")
        about: dict[str, Any] = {
            "id": tenant.id,
            "slug": tenant.slug,
            "name": tenant.name,
            "plan": tenant.plan,
        }
        about["delete_at"] = utc_text(tenant.delete_at) if tenant.delete_at else None
        members: list[dict[str, Any]] = []
        after: UUID | None = None
        while page := await self._members.page(session, tenant_id, after, _MEMBERS):
            after = page[-1].user_id
            known = await people.known(session, [member.user_id for member in page])
            members += [
                {"user_id": member.user_id, "role": member.role, "joined_at": utc_text(member.created_at)}
                | known[member.user_id]._asdict()
                for member in page
            ]
        return {"tenant": about, "members": members}

    async def _bundle(self, archive: Archive, slug: str, scratch: Path) -> str | None:
        """What main is at in the bundle; None where there is no repository yet."""
        try:
            bundle = await self._git.backup(slug, scratch)
        except RepositoryMissing:
            return None
        await archive.add_file("repository.bundle", scratch)
        return bundle.head


def _open(path: Path) -> BinaryIO:
    return path.open("wb", buffering=0)


async def _add_table(archive: Archive, session: AsyncSession, table: Table, tenant_id: UUID) -> None:
    name, count = f"{table.name}.ndjson", 0
    with archive.entry(name) as entry:
        async for rows in tables.pages(session, table, tenant_id):
            # Compressing is work for a core; this one serves others.
            await to_thread.run_sync(lambda page: entry.write(tables.lines(table, page)), rows)
            count += len(rows)
    archive.counts[name] = count
