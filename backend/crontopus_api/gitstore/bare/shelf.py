"""Bare repositories below one directory, one per slug: made, removed and read.

{root}/crontopus/job-manifests-{slug}.git   the repositories
{root}/locks/{slug}                         who is writing (see `bare.locks`)

The embedded host's shelf holds the repositories themselves; a remote host's holds copies of them, which
may be lost at any time.
"""

import logging
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from dulwich.repo import Repo

from crontopus_api.gitstore.bare.census import Untidy, count
from crontopus_api.gitstore.bare.durable import fsync_path, fsync_tree
from crontopus_api.gitstore.bare.litter import clear_of_host
from crontopus_api.gitstore.bare.maintenance import MaintenanceReport, due, maintain
from crontopus_api.gitstore.bare.merging import MergeTrial
from crontopus_api.gitstore.bare.plumbing import Plumbing, RawChange, RawEntry
from crontopus_api.gitstore.bare.repository import BareRepository, Draft
from crontopus_api.gitstore.errors import (
    GitUnavailable,
    ObjectMissing,
    PathNotAllowed,
    RepositoryForeign,
    RepositoryMissing,
)
from crontopus_api.gitstore.host import BRANCH, TENANT_FILE, Change, CommitInfo, FileEntry, Merge
from crontopus_api.gitstore.paths import check_path, check_slug, is_object_id, repository_name

log = logging.getLogger(__name__)

T = TypeVar("T")

_THREADS = 8


class Shelf:
    """`root` is made if it is missing. `max_blob_bytes` bounds what is read of one file; `configure`
    writes a new repository's configuration."""

    def __init__(self, root: Path, *, max_blob_bytes: int, configure: Callable[[Path], None]) -> None:
        self.root = root.resolve()
        self.max_blob_bytes = max_blob_bytes
        self._configure = configure
        self._limiter = CapacityLimiter(_THREADS)
        for name in ("crontopus", "locks"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    def path(self, slug: str) -> Path:
        return self.root / "crontopus" / repository_name(slug)

    def lock_path(self, slug: str) -> Path:
        return self.root / "locks" / check_slug(slug)

    async def exists(self, slug: str) -> bool:
        return await self.in_thread(self.repository(slug).exists)

    async def delete_repository(self, slug: str) -> None:
        await self.in_thread(partial(self.remove, slug))

    async def head(self, slug: str) -> str | None:
        return await self.in_thread(self.repository(slug).head)

    async def list_files(self, slug: str, commit: str) -> list[FileEntry]:
        entries = await self.in_thread(partial(self.plumbing(slug).tree, _commit_id(commit)))
        return [FileEntry(_text(e.path), e.object_id, e.size) for e in entries if _is_file(e)]

    async def read_blob(self, slug: str, blob_id: str) -> bytes:
        return await self.in_thread(partial(self.repository(slug).read_blob, blob_id))

    async def read_blobs(self, slug: str, blob_ids: Iterable[str]) -> dict[str, bytes]:
        ids = list(blob_ids)
        for blob_id in ids:
            if not is_object_id(blob_id):
                raise ObjectMissing(f"blob {blob_id!r}")
        plumbing = self.plumbing(slug)
        return await self.in_thread(lambda: dict(plumbing.read(ids, self.max_blob_bytes)))

    async def read_file(self, slug: str, commit: str, path: str) -> bytes:
        return await self.in_thread(partial(self.repository(slug).read_file, commit, path))

    async def changes(self, slug: str, old: str | None, new: str) -> list[Change]:
        old = None if old is None else _commit_id(old)
        raw = await self.in_thread(partial(self.plumbing(slug).diff, old, _commit_id(new)))
        return _file_changes(raw)

    async def history(
        self, slug: str, path: str | None = None, *, limit: int = 50, before: str | None = None
    ) -> list[CommitInfo]:
        if path is not None:
            check_path(path)
        return await self.in_thread(partial(self._history, slug, path, limit, before))

    async def commit_info(self, slug: str, commit: str) -> CommitInfo:
        return await self.in_thread(partial(self.plumbing(slug).commit_info, _commit_id(commit)))

    async def last_changes(self, slug: str, old: str | None, new: str) -> dict[str, CommitInfo]:
        old = None if old is None else _commit_id(old)
        work = partial(self.plumbing(slug).last_changes, old, _commit_id(new))
        return {_text(path): commit for path, commit in (await self.in_thread(work)).items()}

    async def resolve(self, slug: str, ref: str) -> str | None:
        return await self.in_thread(partial(self.plumbing(slug).resolve, ref))

    async def merged(self, slug: str, commit: str) -> Merge:
        return await self.in_thread(partial(self._merged, slug, _commit_id(commit)))

    async def is_ancestor(self, slug: str, old: str, new: str) -> bool:
        plumbing = self.plumbing(slug)
        return await self.in_thread(partial(plumbing.is_ancestor, _commit_id(old), _commit_id(new)))

    async def size(self, slug: str) -> int:
        """What its objects take on the disk, in bytes."""
        census = await self.in_thread(partial(count, self.path(slug)))
        return census.loose_bytes + census.pack_bytes

    async def maintenance_due(self, slug: str) -> str | None:
        """Why `maintain` should be called now; `None` if it need not. Cheap: ask it of every tenant."""
        return await self.in_thread(partial(due, self.path(slug), self.lock_path(slug), Untidy()))

    async def maintain(self, slug: str) -> MaintenanceReport | None:
        """See `bare.maintenance`. One at a time is enough: it is for idle moments."""
        return await maintain(self.path(slug), self.lock_path(slug))

    async def clear_leftovers(self) -> list[str]:
        """Remove what killed processes left of repositories half made or half deleted; their names."""
        return await self.in_thread(partial(clear_of_host, self.root / "crontopus"))

    async def slugs(self) -> list[str]:
        """Every repository there is, by name."""
        return await self.in_thread(self._slugs)

    async def in_thread(self, work: Callable[[], T]) -> T:
        # A thread can not be interrupted: cancelled or not, what it writes is whole.
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        except OSError as error:
            raise GitUnavailable(f"the repository's disk: {error}") from error

    def repository(self, slug: str) -> BareRepository:
        return BareRepository(self.path(slug), self.lock_path(slug), limit=self.max_blob_bytes)

    def plumbing(self, slug: str) -> Plumbing:
        if not self.repository(slug).exists():
            raise RepositoryMissing(slug)
        return Plumbing(self.path(slug))

    def _history(self, slug: str, path: str | None, limit: int, before: str | None) -> list[CommitInfo]:
        head = self.repository(slug).head()
        return [] if head is None else self.plumbing(slug).log(head, path, limit, before)

    def _merged(self, slug: str, commit: str) -> Merge:
        ours = self.repository(slug).head()
        if ours is None:
            raise ObjectMissing("main")
        with MergeTrial(self.path(slug), ours, commit) as trial:
            changes = _file_changes(trial.plumbing.diff(ours, trial.tree))
            conflicts = set(trial.conflicts)
            changes = [change for change in changes if change.path not in conflicts]
            wanted = [change.new_blob for change in changes if change.new_blob is not None]
            contents = trial.read(wanted, self.max_blob_bytes)
        return Merge(ours, changes, contents, trial.conflicts)

    def create(self, slug: str, first: Draft | None) -> None:
        """Build it under another name and move it into place whole: a crash leaves nothing or all.

        With `first` as its first commit, if given. The caller holds the slug's lock alone, so a leftover
        under that name is a dead process's.
        """
        parent = self.path(slug).parent
        building = parent / f".creating-{slug}"
        shutil.rmtree(building, ignore_errors=True)
        Repo.init_bare(building, mkdir=True, default_branch=BRANCH.encode()).close()
        self._configure(building)
        if first is not None:
            # Under a lock file of its own: the slug's is held.
            lock = building / "crontopus.lock"
            BareRepository(building, lock, limit=self.max_blob_bytes).commit(first)
            lock.unlink()
        fsync_tree(building)
        building.rename(self.path(slug))
        fsync_path(parent)

    def _slugs(self) -> list[str]:
        names = [path.name for path in (self.root / "crontopus").iterdir()]
        found = [name.removeprefix("job-manifests-").removesuffix(".git") for name in names]
        return sorted(slug for slug, name in zip(found, names, strict=True) if _is_repository(slug, name))

    def check_mark(self, slug: str, tenant_id: UUID) -> None:
        """Raises `RepositoryForeign` unless main carries this tenant's mark."""
        repository = self.repository(slug)
        head = repository.head()
        if head is None:
            raise RepositoryForeign(slug, "it has no commits")
        try:
            mark = repository.read_file(head, TENANT_FILE)
        except ObjectMissing as error:
            raise RepositoryForeign(slug, f"it has no {TENANT_FILE}") from error
        if f"id: {tenant_id}".encode() not in {line.strip() for line in mark.splitlines()}:
            raise RepositoryForeign(slug, f"its {TENANT_FILE} names another tenant")

    def remove(self, slug: str) -> None:
        path = self.path(slug)
        grave = path.parent / f".deleting-{slug}-{secrets.token_hex(4)}"
        try:
            path.rename(grave)
        except FileNotFoundError:
            return
        fsync_path(path.parent)
        try:
            shutil.rmtree(grave)
        except OSError:  # a maintenance that is being ended still writes there
            log.warning("%s is left to clear_leftovers", grave, exc_info=True)


def _is_repository(slug: str, name: str) -> bool:
    try:
        return repository_name(slug) == name
    except PathNotAllowed:  # half made, half deleted, or nobody knows what
        return False


def _file_changes(raw: Iterable[RawChange]) -> list[Change]:
    """Regular files only: a symbolic link is no file to us, whichever side it is on."""
    found = []
    for change in raw:
        before = change.old_id if stat.S_ISREG(change.old_mode) else None
        after = change.new_id if stat.S_ISREG(change.new_mode) else None
        if before != after:
            found.append(Change(_text(change.path), before, after))
    return found


def _commit_id(text: str) -> str:
    if not is_object_id(text):
        raise ObjectMissing(f"commit {text!r}")
    return text


def _is_file(entry: RawEntry) -> bool:
    return stat.S_ISREG(entry.mode)


def _text(path: bytes) -> str:
    """Paths on main are UTF-8 (the hook sees to it); another branch's may be anything."""
    return path.decode("utf-8", "backslashreplace")
