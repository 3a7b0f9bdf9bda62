"""A job's versions in Git, followed through its renames."""

import difflib
from dataclasses import dataclass, replace

from crontopus_api.gitstore.errors import GitUnavailable, ObjectMissing
from crontopus_api.gitstore.host import CommitInfo, GitHost
from crontopus_api.jobs.models import Job
from crontopus_api.kit.errors import NotFound, Unavailable
from crontopus_api.manifests import ManifestInvalid, is_job_path, job_id, parse_job

_MOST_RENAMES = 20
# Versions among which a deletion is looked for.
_LOOKED_THROUGH = 200
# A file of 256 KiB can differ in all of its lines; nobody reads a longer difference.
_MOST_DIFF_LINES = 2_000


@dataclass(frozen=True)
class Version:
    """A commit that touched the job's file, which was at `path` then; `content` None: it removed it."""

    commit: CommitInfo
    path: str
    content: bytes | None
    action: str = "changed"


@dataclass(frozen=True)
class Position:
    """Where a page of versions goes on: the path followed, and the last commit seen."""

    path: str
    before: str | None = None


class HistoryService:
    def __init__(self, host: GitHost) -> None:
        self._host = host

    async def versions(
        self, slug: str, job: Job, start: Position | None, limit: int
    ) -> tuple[list[Version], Position | None]:
        """Newest first; where the next page goes on, None after the last."""
        try:
            found = await self._walk(slug, job, start or Position(job.path), limit + 1)
        except GitUnavailable as error:
            raise Unavailable("The repository cannot be read now.", retry_after_seconds=5) from error
        older: list[Version | None] = [*found[1:], None]
        named = [
            replace(version, action=_action(version, before))
            for version, before in zip(found, older[: len(found)], strict=True)
        ]
        if len(found) <= limit:
            return named, None
        last = named[limit - 1]
        return named[:limit], Position(last.path, last.commit.id)

    async def at(self, slug: str, job: Job, commit: str) -> Version:
        """The job as it stood at a commit. Raises NotFound when the commit does not hold it."""
        full = await self._host.resolve(slug, commit)
        if full is None:
            raise NotFound(f"The repository has no commit {commit[:40]}.", hint="See the job's history.")
        path, before = job.path, None
        for _ in range(_MOST_RENAMES):
            content = await self._content(slug, full, path)
            if content is not None and _is(job, path, content):
                return Version(await self._host.commit_info(slug, full), path, content)
            moved = await self._moved_from(slug, job, Position(path, before))
            if moved is None:
                break
            path, before = moved.path, moved.before
        raise NotFound(f"{job.namespace}/{job.name} was not there at {commit[:12]}.")

    async def version(self, slug: str, job: Job, commit: str) -> Version:
        """As `at`, but a commit that deleted the job is a version too: one without content."""
        try:
            return await self.at(slug, job, commit)
        except NotFound:
            deleted = next(
                (
                    v
                    for v in await self._walk(slug, job, Position(job.path), _LOOKED_THROUGH)
                    if v.commit.id == commit
                ),
                None,
            )
            if deleted is None:
                raise
            return deleted

    async def _walk(self, slug: str, job: Job, position: Position, limit: int) -> list[Version]:
        found: list[Version] = []
        for _ in range(_MOST_RENAMES):
            commits = await self._host.history(
                slug, position.path, limit=limit - len(found), before=position.before
            )
            for info in commits:
                content = await self._content(slug, info.id, position.path)
                if content is not None and not _is(job, position.path, content):
                    return _without_departure(found)
                found.append(Version(info, position.path, content))
            if len(found) >= limit:
                return found
            oldest = commits[-1].id if commits else position.before
            moved = await self._renamed_in(slug, job, oldest) if oldest else None
            if moved is None:
                return found
            position = Position(moved, oldest)
        return found

    async def _moved_from(self, slug: str, job: Job, position: Position) -> Position | None:
        """The path a job had before it came to this one, and the commit that moved it."""
        commits = await self._host.history(slug, position.path, limit=10_000, before=position.before)
        if not commits:
            return None
        path = await self._renamed_in(slug, job, commits[-1].id)
        return Position(path, commits[-1].id) if path else None

    async def _renamed_in(self, slug: str, job: Job, commit: str) -> str | None:
        """The path from which `commit` moved the job."""
        parents = (await self._host.commit_info(slug, commit)).parents
        if not parents:
            return None
        for change in await self._host.changes(slug, parents[0], commit):
            if change.old_blob is None or change.new_blob is not None or not is_job_path(change.path):
                continue
            if _is(job, change.path, await self._host.read_blob(slug, change.old_blob)):
                return change.path
        return None

    async def _content(self, slug: str, commit: str, path: str) -> bytes | None:
        try:
            return await self._host.read_file(slug, commit, path)
        except ObjectMissing:
            return None


def _is(job: Job, path: str, content: bytes) -> bool:
    """Whether a file is this job's. One that cannot be read is, at the path where the job is now."""
    try:
        return job_id(job.tenant_id, parse_job(path, content)) == job.id
    except ManifestInvalid:
        return path == job.path


def _without_departure(found: list[Version]) -> list[Version]:
    """Before this job another one lived at the path; its leaving is no part of this one's history."""
    while found and found[-1].content is None:
        found.pop()
    return found


def _action(version: Version, older: Version | None) -> str:
    if version.content is None:
        return "deleted"
    if older is None or older.content is None:
        return "created"
    return "renamed" if older.path != version.path else "changed"


def unified_diff(before: bytes | None, after: bytes | None, path_before: str, path_after: str) -> str:
    """As `git diff` shows it; empty when nothing differs."""
    lines = difflib.unified_diff(
        (before or b"").decode("utf-8", "replace").splitlines(),
        (after or b"").decode("utf-8", "replace").splitlines(),
        "/dev/null" if before is None else f"a/{path_before}",
        "/dev/null" if after is None else f"b/{path_after}",
        lineterm="",
    )
    shown = []
    for number, line in enumerate(lines):
        if number >= _MOST_DIFF_LINES:
            shown.append("… the rest is not shown")
            break
        shown.append(line)
    return "\n".join(shown) + "\n" if shown else ""
