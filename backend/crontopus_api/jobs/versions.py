"""A job's versions, as people ask for them: what was it, what differs, take me back."""

from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api.gitstore.errors import GitUnavailable
from crontopus_api.gitstore.host import GitHost
from crontopus_api.identity.principal import Principal
from crontopus_api.jobs import repository, schemas
from crontopus_api.jobs.changing.changes import unavailable, without_trailer
from crontopus_api.jobs.changing.editing import EditingService, Outcome, renamed
from crontopus_api.jobs.changing.proposals import Wish
from crontopus_api.jobs.history import HistoryService, Position, Version, unified_diff
from crontopus_api.jobs.models import Job
from crontopus_api.jobs.service import JobService
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import NotFound


class VersionService:
    def __init__(
        self,
        database: Database,
        host: GitHost,
        jobs: JobService,
        history: HistoryService,
        editing: EditingService,
    ) -> None:
        self._database = database
        self._host = host
        self._jobs = jobs
        self._history = history
        self._editing = editing

    async def page(
        self, principal: Principal, namespace: str, name: str, start: Position | None, limit: int
    ) -> tuple[list[schemas.CommitOut], Position | None]:
        """Newest first, deleted jobs' too; where the next page goes on."""
        job, slug = await self._find(principal, namespace, name)
        versions, more = await self._history.versions(slug, job, start, limit)
        return [_out(version) for version in versions], more

    async def diff(
        self, principal: Principal, namespace: str, name: str, old: str | None, new: str | None
    ) -> schemas.DiffOut:
        """Between two commits. Without `new` the newest version, without `old` the one before `new`'s."""
        job, slug = await self._find(principal, namespace, name)
        try:
            after = await self._after(slug, job, new)
            before = await self._before(slug, job, after, old)
        except GitUnavailable as error:
            raise unavailable() from error
        content = before.content if before else None
        return schemas.DiffOut(
            from_commit=before.commit.id if before else None,
            to_commit=after.commit.id,
            diff=unified_diff(content, after.content, before.path if before else after.path, after.path),
            before=_text(content),
            after=_text(after.content),
        )

    async def roll_back(
        self, principal: Principal, namespace: str, name: str, commit: str, wish: Wish
    ) -> Outcome:
        """Raises NotFound when the commit does not hold the job."""
        job, slug = await self._find(principal, namespace, name)
        try:
            version = await self._history.at(slug, job, commit)
        except GitUnavailable as error:
            raise unavailable() from error
        content = version.content or b""
        if version.path != job.path:
            # Renamed since: what it did comes back, what it is called stays.
            content = renamed(content, version.path, job.path, job.id)
        return await self._editing.restore(principal, job.path, content, commit, wish)

    async def _after(self, slug: str, job: Job, commit: str | None) -> Version:
        if commit is not None:
            return await self._history.version(slug, job, commit)
        versions, _ = await self._history.versions(slug, job, None, 1)
        if not versions:
            raise NotFound(f"{job.namespace}/{job.name} has no history.")
        return versions[0]

    async def _before(self, slug: str, job: Job, after: Version, commit: str | None) -> Version | None:
        if commit is not None:
            return await self._history.at(slug, job, commit)
        position = Position(after.path, after.commit.id)
        older, _ = await self._history.versions(slug, job, position, 1)
        return older[0] if older else None

    async def _find(self, principal: Principal, namespace: str, name: str) -> tuple[Job, str]:
        async with self._database.tenant(principal.tenant_id) as session:
            job = await self._jobs.find_any(session, principal.tenant_id, namespace, name)
            return job, await _slug(session, principal)


async def _slug(session: AsyncSession, principal: Principal) -> str:
    return (await repository.get_repository(session, principal.tenant_id)).slug


def _out(version: Version) -> schemas.CommitOut:
    return schemas.CommitOut(
        commit=version.commit.id,
        author=version.commit.author.name,
        author_email=version.commit.author.email,
        at=version.commit.at,
        message=without_trailer(version.commit.message),
        path=version.path,
        action=version.action,
    )


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "replace")
