"""The GitHost on a Forgejo: repositories there, copies of them in a cache on this disk.

A commit is built in the cache on the main that Forgejo has now, named by no ref, and pushed by
compare-and-swap: it is in Forgejo or nowhere, whenever this process dies. Objects are read from the cache,
which is brought up to date when it lacks one; where main is is asked of Forgejo each time. Any number of
processes, each with a cache of its own or sharing one, work beside each other.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import uniform
from typing import TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from anyio import CapacityLimiter, to_thread
from dulwich.refs import Ref, check_ref_format

from crontopus_api.gitstore.bare.bundles import Bundle, write_bundle
from crontopus_api.gitstore.bare.repository import Draft
from crontopus_api.gitstore.bare.shelf import Shelf
from crontopus_api.gitstore.embedded.layout import first_files, write_config
from crontopus_api.gitstore.errors import (
    GitUnavailable,
    HistoryRewound,
    ObjectMissing,
    RepositoryMissing,
    StaleBlob,
)
from crontopus_api.gitstore.forgejo.cache import Cache
from crontopus_api.gitstore.forgejo.client import ForgejoClient
from crontopus_api.gitstore.forgejo.config import ForgejoConfig
from crontopus_api.gitstore.forgejo.heads import HeadWatch
from crontopus_api.gitstore.forgejo.hooks import ensure_hook
from crontopus_api.gitstore.forgejo.remote import Remote
from crontopus_api.gitstore.host import (
    COMMITTER,
    TENANT_FILE,
    Author,
    Change,
    CommitInfo,
    CommitResult,
    FileEntry,
    Merge,
    Signer,
)
from crontopus_api.gitstore.paths import check_editable, check_path, check_slug, clone_path, is_object_id

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_BLOB_BYTES = 1 << 20
_NETWORK_THREADS = 8
_COMMIT_DEADLINE_SECONDS = 30.0
_LOOKS = 4
_INVALID_IS_SHOWN = "An invalid file leaves its job as it was before, and the console shows what is wrong."


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ForgejoGitHost:
    """`cache` is the directory of the cache, made if it is missing; everything in it can be lost. The
    rest as for the embedded host. Close with `aclose`."""

    def __init__(
        self,
        config: ForgejoConfig,
        cache: Path,
        *,
        signer: Signer | None = None,
        clock: Callable[[], datetime] = _utc_now,
        max_blob_bytes: int = MAX_BLOB_BYTES,
    ) -> None:
        self.config = config
        self.client = ForgejoClient(config)
        self.shelf = Shelf(cache, max_blob_bytes=max_blob_bytes, configure=write_config)
        self._remote = Remote(config)
        self._cache = Cache(self.shelf, self._remote)
        self._watch = HeadWatch(self.client)
        self._signer = signer
        self._clock = clock
        # Apart from the shelf's own threads: a slow Forgejo must not keep those waiting who only read.
        self._network = CapacityLimiter(_NETWORK_THREADS)
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._following: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def aclose(self) -> None:
        await self.client.aclose()

    def clone_path(self, slug: str) -> str:
        return clone_path(slug)

    async def ensure_repository(self, slug: str, tenant_id: UUID) -> None:
        check_slug(slug)
        async with self._writing.setdefault(slug, asyncio.Lock()):
            await self.client.create_repository(slug)
            if await self._follow(slug) is None:
                await self._begin(slug, tenant_id)
            await self.shelf.in_thread(partial(self.shelf.check_mark, slug, tenant_id))
        await self.ensure_webhook(slug)

    async def ensure_webhook(self, slug: str) -> None:
        """Have Forgejo tell us of pushes, if it was given an address to tell them to. Idempotent."""
        if self.config.webhook_url is not None:
            await ensure_hook(self.client, check_slug(slug))

    async def delete_repository(self, slug: str) -> None:
        check_slug(slug)
        await self.client.delete_repository(slug)
        await self.shelf.delete_repository(slug)

    async def backup(self, slug: str, target: Path) -> Bundle:
        """Main with its history as a bundle in the new file `target`. Other branches are Forgejo's alone.

        Raises `RepositoryMissing`, `GitUnavailable` or `BundleFailed`."""
        if await self._follow(check_slug(slug)) is None:
            raise RepositoryMissing(slug)
        return await self.shelf.in_thread(partial(write_bundle, self.shelf.path(slug), target))

    async def head(self, slug: str) -> str | None:
        return await self.client.branch(check_slug(slug))

    async def heads(self, slugs: Iterable[str]) -> dict[str, str | None]:
        return await self._watch.heads(map(check_slug, slugs))

    async def list_files(self, slug: str, commit: str) -> list[FileEntry]:
        return await self._read(slug, lambda: self.shelf.list_files(slug, commit))

    async def read_blob(self, slug: str, blob_id: str) -> bytes:
        return await self._read(slug, lambda: self.shelf.read_blob(slug, blob_id))

    async def read_blobs(self, slug: str, blob_ids: Iterable[str]) -> dict[str, bytes]:
        ids = list(blob_ids)
        return await self._read(slug, lambda: self.shelf.read_blobs(slug, ids))

    async def read_file(self, slug: str, commit: str, path: str) -> bytes:
        return await self._read(slug, lambda: self.shelf.read_file(slug, commit, path))

    async def changes(self, slug: str, old: str | None, new: str) -> list[Change]:
        return await self._read(slug, lambda: self.shelf.changes(slug, old, new))

    async def commit_info(self, slug: str, commit: str) -> CommitInfo:
        return await self._read(slug, lambda: self.shelf.commit_info(slug, commit))

    async def last_changes(self, slug: str, old: str | None, new: str) -> dict[str, CommitInfo]:
        return await self._read(slug, lambda: self.shelf.last_changes(slug, old, new))

    async def is_ancestor(self, slug: str, old: str, new: str) -> bool:
        return await self._read(slug, lambda: self.shelf.is_ancestor(slug, old, new))

    async def history(
        self, slug: str, path: str | None = None, *, limit: int = 50, before: str | None = None
    ) -> list[CommitInfo]:
        if path is not None:
            check_path(path)
        await self._follow(check_slug(slug))
        return await self.shelf.history(slug, path, limit=limit, before=before)

    async def merged(self, slug: str, commit: str) -> Merge:
        await self._follow(check_slug(slug))
        return await self.shelf.merged(slug, commit)

    async def resolve(self, slug: str, ref: str) -> str | None:
        """Brings the commit into the cache, from which `merged` and the readers take it."""
        check_slug(slug)
        if is_object_id(ref):
            if not await self.shelf.exists(slug) or await self.shelf.resolve(slug, ref) is None:
                await self._follow(slug)
            return await self.shelf.resolve(slug, ref)
        if not check_ref_format(Ref(f"refs/heads/{ref}".encode("utf-8", "backslashreplace"))):
            return None
        await self._follow(slug)
        commit = await self.client.branch(slug, ref)
        if commit is not None and await self.shelf.resolve(slug, commit) is None:
            await self._in_network(partial(self._cache.bring, slug, ref))
        return None if commit is None else await self.shelf.resolve(slug, commit)

    async def commit(
        self,
        slug: str,
        *,
        author: Author,
        message: str,
        edits: Mapping[str, bytes | None],
        expect: Mapping[str, str | None] | None = None,
    ) -> CommitResult:
        check_slug(slug)
        for path in edits:
            check_editable(path)
        for path in expect or {}:
            check_path(path)
        draft = Draft(author, message, dict(edits), self._clock(), dict(expect or {}), self._signer)
        # One at a time from here: they would only take main away from one another.
        async with self._writing.setdefault(slug, asyncio.Lock()):
            return await self._commit(slug, draft)

    async def _commit(self, slug: str, draft: Draft) -> CommitResult:
        deadline = time.monotonic() + _COMMIT_DEADLINE_SECONDS
        while True:
            parent = await self._follow(slug)
            result = await self._build(slug, draft, parent)
            if not result.changed or await self._push(slug, parent, result.commit):
                return result
            if time.monotonic() > deadline:
                raise GitUnavailable(f"{slug} was written by others all the time; try again")
            await asyncio.sleep(uniform(0, 0.05))  # noqa: S311 - spreads contenders, hides nothing

    async def _build(self, slug: str, draft: Draft, parent: str | None) -> CommitResult:
        work = partial(self.shelf.repository(slug).build, draft, parent)
        try:
            return await self.shelf.in_thread(work)
        except (ObjectMissing, RepositoryMissing) as error:
            # Forgejo has that commit, so it is the cache that has lost something.
            log.warning("the cache of %s is fetched anew: %s", slug, error)
            await self.shelf.delete_repository(slug)
            if await self._follow(slug) is None:
                raise
            return await self.shelf.in_thread(work)

    async def _push(self, slug: str, old: str | None, new: str) -> bool:
        """Whether `new` is on Forgejo's main now; `False` if main moved and it never will be."""
        try:
            return await self._in_network(partial(self._cache.push, slug, old, new))
        except GitUnavailable as error:
            if not error.uncertain:
                raise
            log.warning("a push to %s had no answer, looking for %s: %s", slug, new, error)
            return await self._settled(slug, old, new, error)

    async def _settled(self, slug: str, old: str | None, new: str, error: GitUnavailable) -> bool:
        try:
            head = await self._follow(slug)
        except GitUnavailable:
            raise error from None
        if head == old or head is None:
            raise error  # Forgejo may still be at it
        return await self.shelf.is_ancestor(slug, new, head)

    async def _begin(self, slug: str, tenant_id: UUID) -> None:
        files = first_files(slug, str(tenant_id), invalid=_INVALID_IS_SHOWN)
        expect = {TENANT_FILE: None}
        draft = Draft(COMMITTER, "Begin the repository", files, self._clock(), expect, self._signer)
        try:
            await self._commit(slug, draft)
        except StaleBlob:
            log.info("another process began the repository of %s", slug)

    async def _read(self, slug: str, work: Callable[[], Awaitable[T]]) -> T:
        """From the cache; if something is not there, again from one that is up to date."""
        check_slug(slug)
        try:
            return await work()
        except (RepositoryMissing, ObjectMissing, HistoryRewound):
            await self._follow(slug)
            return await work()

    async def _follow(self, slug: str) -> str | None:
        """Where Forgejo's main is, after the cache's has been put there as well."""
        for _ in range(_LOOKS):
            head = await self.client.branch(slug)
            async with self._following.setdefault(slug, asyncio.Lock()):
                if await self._in_network(partial(self._cache.follow, slug, head)):
                    return head
        raise GitUnavailable(f"main of {slug} is rewritten by others all the time; try again")

    async def _in_network(self, work: Callable[[], T]) -> T:
        # A thread can not be interrupted: a push that has begun is finished, cancelled or not.
        try:
            return await to_thread.run_sync(work, limiter=self._network)
        except OSError as error:
            raise GitUnavailable(f"the cache's disk: {error.strerror}") from error
