"""The projection made anew from Git, and what was different before: `crontopus-server reproject`."""

from dataclasses import dataclass
from uuid import UUID

from anyio import to_thread
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.gitstore.errors import ObjectMissing
from crontopus_api.gitstore.host import GitHost, blob_id
from crontopus_api.jobs import definitions_repository as definitions
from crontopus_api.jobs import repository
from crontopus_api.jobs.projection.reading import (
    FileState,
    InvalidRead,
    JobRead,
    Origin,
    Reading,
    concerns_us,
    read_files,
)
from crontopus_api.jobs.projection.writing import DefinitionWriter
from crontopus_api.kit.clock import Clock
from crontopus_api.kit.database import Database
from crontopus_api.live.topics import announce
from crontopus_api.manifests import ManifestInvalid, is_job_path, parse_job

# How far back the last valid version of a broken file is looked for.
_VERSIONS_TRIED = 50


@dataclass(frozen=True)
class Difference:
    """Where the projection said something else than Git. `what`: missing, surplus, or the columns that differed."""

    path: str
    what: str


@dataclass(frozen=True)
class Rebuilt:
    commit: str | None
    jobs: int
    differences: list[Difference]


class Rebuilder:
    def __init__(
        self,
        database: Database,
        host: GitHost,
        writer: DefinitionWriter,
        clock: Clock,
    ) -> None:
        self._database = database
        self._host = host
        self._writer = writer
        self._clock = clock

    async def rebuild(self, tenant_id: UUID) -> Rebuilt:
        """Write everything again from HEAD, in one transaction; ping keys, runs and history stay as they are."""
        async with self._database.tenant(tenant_id) as session:
            slug = (await repository.get_repository(session, tenant_id)).slug
        head = await self._host.head(slug)
        if head is None:
            return Rebuilt(None, 0, [])
        reading = await self._read_all(slug, head)
        async with self._database.tenant(tenant_id) as session:
            return await self._write_all(session, tenant_id, head, reading)

    async def _write_all(
        self, session: AsyncSession, tenant_id: UUID, head: str, reading: Reading
    ) -> Rebuilt:
        row = (await repository.lock_repository(session, tenant_id)).repository
        before = await definitions.snapshot(session, tenant_id)
        present = set(reading.paths)
        reading.gone = [path for path in before if path not in present]
        for name in await definitions.kept_namespaces(session, tenant_id):
            reading.namespaces.setdefault(name, False)
        await self._writer.write(
            session, tenant_id, reading, has_policies=True, has_windows=True, has_invalid_files=True
        )
        row.projected_commit, row.projected_at, row.problem = head, self._clock.now(), None
        await session.flush()
        after = await definitions.snapshot(session, tenant_id)
        await announce(session, tenant_id, "jobs", "head")
        jobs = sum(is_job_path(path) for path in after)
        return Rebuilt(head, jobs, _differences(before, after))

    async def _read_all(self, slug: str, head: str) -> Reading:
        entries = [entry for entry in await self._host.list_files(slug, head) if concerns_us(entry.path)]
        blobs = await self._host.read_blobs(slug, [entry.blob_id for entry in entries])
        origins = await self._host.last_changes(slug, None, head)
        fallback = await self._host.commit_info(slug, head)
        files = [
            FileState(e.path, Origin.of(origins.get(e.path, fallback)), e.blob_id, blobs[e.blob_id])
            for e in entries
        ]
        reading = await to_thread.run_sync(read_files, files)
        for invalid in [each for each in reading.invalid if is_job_path(each.file.path)]:
            good = await self._last_good(slug, invalid)
            if good is not None:
                reading.jobs.append(good)
        return reading

    async def _last_good(self, slug: str, invalid: InvalidRead) -> JobRead | None:
        """The newest valid version of a broken job: the one that stayed in force when it broke."""
        path = invalid.file.path
        for commit in await self._host.history(slug, path, limit=_VERSIONS_TRIED):
            try:
                content = await self._host.read_file(slug, commit.id, path)
                manifest = parse_job(path, content)
            except (ObjectMissing, ManifestInvalid):
                continue
            return JobRead(FileState(path, Origin.of(commit), blob_id(content), content), manifest)
        return None


def _differences(
    before: dict[str, definitions.Snapshot], after: dict[str, definitions.Snapshot]
) -> list[Difference]:
    found = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        if old is None or new is None:
            found.append(Difference(path, "missing" if old is None else "surplus"))
        else:
            names = [name for name in old._fields if getattr(old, name) != getattr(new, name)]
            found.append(Difference(path, ", ".join(names)))
    return found
