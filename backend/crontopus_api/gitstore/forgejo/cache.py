"""The cache of Forgejo's repositories. Synchronous: callers run it in threads.

Its main is a hint of where Forgejo's was last seen, kept so that fetches know what is already here and `git gc`
what is still wanted. Nothing is lost with it.
"""

import logging

from dulwich.file import FileLocked

from crontopus_api.gitstore.bare.locks import alone
from crontopus_api.gitstore.bare.shelf import Shelf
from crontopus_api.gitstore.errors import GitUnavailable
from crontopus_api.gitstore.forgejo.remote import CacheBroken, Remote

log = logging.getLogger(__name__)


class Cache:
    def __init__(self, shelf: Shelf, remote: Remote) -> None:
        self._shelf = shelf
        self._remote = remote

    def follow(self, slug: str, head: str | None) -> bool:
        """Put main where Forgejo's is; `False` if that commit cannot be had (any more)."""
        self._ensure(slug)
        repository = self._shelf.repository(slug)
        seen = repository.head()
        if head is None:
            if seen is not None:
                self._renew(slug)  # Forgejo's was made anew: what is here belongs to nobody
            return True
        if not self._has(slug, head):
            self._fetch(slug, seen)
        elif seen == head:
            return True
        if not self._has(slug, head):
            return False
        if self._shelf.repository(slug).head() != head:
            self._point(slug, head)
        return True

    def bring(self, slug: str, branch: str) -> None:
        """Have the objects of a branch, for now: nothing refers to them, so `git gc` may take them."""
        self._remote.fetch(self._shelf.path(slug), self._shelf.lock_path(slug), slug, branch)

    def push(self, slug: str, old: str | None, new: str) -> bool:
        """As `Remote.push`, and main here follows."""
        moved = self._remote.push(self._shelf.path(slug), self._shelf.lock_path(slug), slug, old, new)
        if moved:
            self._point(slug, new)
        return moved

    def _fetch(self, slug: str, seen: str | None) -> None:
        path, lock = self._shelf.path(slug), self._shelf.lock_path(slug)
        try:
            self._remote.fetch(path, lock, slug)
            if seen is None or self._related(slug, seen):
                return
            log.warning("main of %s has no history in common with what it was: its cache begins anew", slug)
        except CacheBroken as error:
            log.warning("fetched anew: %s", error)
        self._renew(slug)
        try:
            self._remote.fetch(path, lock, slug)
        except CacheBroken as error:
            raise GitUnavailable(str(error)) from error

    def _related(self, slug: str, seen: str) -> bool:
        head = self._shelf.repository(slug).head()
        return head is None or self._shelf.plumbing(slug).run(["merge-base", seen, head]).returncode == 0

    def _has(self, slug: str, commit: str) -> bool:
        return self._shelf.plumbing(slug).has_commit(commit)

    def _point(self, slug: str, head: str) -> None:
        try:
            self._shelf.repository(slug).point(head)
        except (FileLocked, OSError) as error:
            # No reason to fail: what was pushed is pushed, and the next fetch sets it right.
            log.info("main of the cache of %s stays where it was: %s", slug, error)

    def _renew(self, slug: str) -> None:
        self._shelf.remove(slug)
        self._ensure(slug)

    def _ensure(self, slug: str) -> None:
        if not self._shelf.repository(slug).exists():
            with alone(self._shelf.lock_path(slug)):
                if not self._shelf.repository(slug).exists():
                    self._shelf.create(slug, None)
