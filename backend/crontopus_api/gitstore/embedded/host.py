"""The embedded GitHost: bare repositories below one directory, in this process's own hands.

{root}/crontopus/job-manifests-{slug}.git   the repositories
{root}/hooks/pre-receive                    the static hook (see `hook`)
{root}/locks/{slug}                         who is writing (see `bare.locks`)
"""

import asyncio
import shutil
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID
from weakref import WeakValueDictionary

from crontopus_api.gitstore.bare.bundles import Bundle, unbundle, write_bundle
from crontopus_api.gitstore.bare.durable import fsync_path, fsync_tree
from crontopus_api.gitstore.bare.locks import alone
from crontopus_api.gitstore.bare.repository import Draft
from crontopus_api.gitstore.bare.shelf import Shelf
from crontopus_api.gitstore.embedded.layout import first_files, write_config
from crontopus_api.gitstore.errors import RepositoryForeign, RepositoryMissing
from crontopus_api.gitstore.host import COMMITTER, Author, CommitResult, Signer
from crontopus_api.gitstore.paths import check_editable, check_path, clone_path

MAX_BLOB_BYTES = 1 << 20


def _utc_now() -> datetime:
    return datetime.now(UTC)


class EmbeddedGitHost(Shelf):
    """`root` is made if it is missing. `max_blob_bytes` bounds what is read of one file; `clock` gives
    commits their time; `signer`, if given, signs them."""

    def __init__(
        self,
        root: Path,
        *,
        signer: Signer | None = None,
        clock: Callable[[], datetime] = _utc_now,
        max_blob_bytes: int = MAX_BLOB_BYTES,
    ) -> None:
        super().__init__(root, max_blob_bytes=max_blob_bytes, configure=write_config)
        self._signer = signer
        self._clock = clock
        # Commits of one repository queue here rather than in the threads that serve the others.
        self._queues: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def clone_path(self, slug: str) -> str:
        return clone_path(slug)

    async def ensure_repository(self, slug: str, tenant_id: UUID) -> None:
        await self.in_thread(partial(self._ensure, slug, tenant_id))

    async def heads(self, slugs: Iterable[str]) -> dict[str, str | None]:
        return await self.in_thread(partial(self._heads, list(slugs)))

    async def commit(
        self,
        slug: str,
        *,
        author: Author,
        message: str,
        edits: Mapping[str, bytes | None],
        expect: Mapping[str, str | None] | None = None,
    ) -> CommitResult:
        for path in edits:
            check_editable(path)
        for path in expect or {}:
            check_path(path)
        draft = Draft(author, message, dict(edits), self._clock(), dict(expect or {}), self._signer)
        work = partial(self.repository(slug).commit, draft)
        queue = self._queues.setdefault(slug, asyncio.Lock())
        async with queue:
            return await self.in_thread(work)

    async def backup(self, slug: str, target: Path) -> Bundle:
        """Write the repository into the new file `target`, as it is at one instant, and read that back.

        Raises `BundleFailed`. See `bare.bundles`."""
        return await self.in_thread(partial(self._backup, slug, target))

    async def restore(self, slug: str, source: Path) -> str:
        """Make the repository from what `backup` wrote; what main is at.

        Raises `RepositoryForeign` if there is one of that name, `BundleFailed` if the file is damaged."""
        return await self.in_thread(partial(self._restore, slug, source))

    def _heads(self, slugs: list[str]) -> dict[str, str | None]:
        repositories = {slug: self.repository(slug) for slug in slugs}
        return {slug: found.head() for slug, found in repositories.items() if found.exists()}

    def _ensure(self, slug: str, tenant_id: UUID) -> None:
        path = self.path(slug)
        if not path.exists():
            with alone(self.lock_path(slug)):
                if not path.exists():
                    self.create(slug, self._first(slug, tenant_id))
        self.check_mark(slug, tenant_id)

    def _backup(self, slug: str, target: Path) -> Bundle:
        if not self.repository(slug).exists():
            raise RepositoryMissing(slug)
        bundle = write_bundle(self.path(slug), target)
        with TemporaryDirectory(prefix=".verifying-", dir=target.parent) as scratch:
            unbundle(target, Path(scratch, "repository"))
        return bundle

    def _restore(self, slug: str, source: Path) -> str:
        """As `create`: under another name first, so that a crash leaves nothing or all."""
        path = self.path(slug)
        with alone(self.lock_path(slug)):
            if path.exists():
                raise RepositoryForeign(slug, "it exists; delete it first if the backup is to replace it")
            building = path.parent / f".creating-{slug}"
            shutil.rmtree(building, ignore_errors=True)
            head = unbundle(source, building)
            write_config(building)
            fsync_tree(building)
            building.rename(path)
            fsync_path(path.parent)
        return head

    def _first(self, slug: str, tenant_id: UUID) -> Draft:
        files = first_files(slug, str(tenant_id))
        return Draft(COMMITTER, "Begin the repository", files, self._clock(), signer=self._signer)
