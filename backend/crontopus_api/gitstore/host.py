"""GitHost: what the rest of Crontopus may ask of Git, whichever host serves it.

Commits and blobs are named by their 40-digit hexadecimal ids, files by `/`-separated relative paths.
Everything here speaks of one branch, `main`: it is the truth, the other branches are their authors' own.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

BRANCH = "main"
MAIN_REF = b"refs/heads/main"
TENANT_FILE = ".crontopus/tenant.yaml"


def blob_id(content: bytes) -> str:
    """The id Git gives a file with this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Author:
    """Who a commit is by: the acting user."""

    name: str
    email: str


# Whoever acts, Crontopus is who writes: the committer, and the SSH signer's principal.
COMMITTER = Author("Crontopus", "noreply@crontopus.invalid")


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A regular file of a commit; `size` in bytes. Symbolic links and submodules are never listed."""

    path: str
    blob_id: str
    size: int


@dataclass(frozen=True, slots=True)
class Change:
    """A file that differs between two commits; `None` on the side where it is not there."""

    path: str
    old_blob: str | None
    new_blob: str | None


@dataclass(frozen=True, slots=True)
class CommitResult:
    """`commit` is the HEAD the edits are in (the old one when nothing changed); `blobs` has every
    edited path with the blob it has there, `None` where it was removed. `parent` is what the commit
    was made on: with it the caller knows which changes of others came before; `at` is the time it bears."""

    commit: str
    parent: str | None
    blobs: dict[str, str | None]
    changed: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class CommitInfo:
    id: str
    author: Author
    message: str
    at: datetime
    parents: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Merge:
    """What merging a commit would change on main.

    `changes` are the files that would differ, `contents` what they would hold (by blob id); `conflicts`
    are the paths that both sides changed in ways Git cannot join: for them nothing is known.
    """

    onto: str
    changes: list[Change]
    contents: dict[str, bytes]
    conflicts: list[str]


class Signer(Protocol):
    """Signs commits (`gitstore.signing` has the one in use)."""

    def sign(self, payload: bytes) -> bytes:
        """The armoured signature of a commit's bytes, as it stands in the `gpgsig` header."""
        ...


class GitHost(Protocol):
    """One repository per tenant, `crontopus/job-manifests-{slug}`.

    Every method raises `RepositoryMissing` for a slug without one and `GitUnavailable` when the host
    cannot answer now. A cancelled call finishes what it was writing: a commit is whole or absent.
    """

    async def ensure_repository(self, slug: str, tenant_id: UUID) -> None:
        """Make the repository if it is missing, with README.md, default/ and the tenant's mark.

        Idempotent and crash-safe. Raises `RepositoryForeign` if the name is taken by another tenant's.
        """
        ...

    async def delete_repository(self, slug: str) -> None:
        """Remove it for good; nothing happens when it is not there."""
        ...

    async def head(self, slug: str) -> str | None:
        """The commit main is at; `None` for a repository without commits."""
        ...

    async def heads(self, slugs: Iterable[str]) -> dict[str, str | None]:
        """`head` of many at once, cheap enough to be asked every few seconds; those without a repository
        are left out. May be some seconds behind, `head` never is."""
        ...

    async def list_files(self, slug: str, commit: str) -> list[FileEntry]: ...

    async def read_blob(self, slug: str, blob_id: str) -> bytes: ...

    async def read_blobs(self, slug: str, blob_ids: Iterable[str]) -> dict[str, bytes]: ...

    async def read_file(self, slug: str, commit: str, path: str) -> bytes:
        """Raises `ObjectMissing` when the commit or the file in it is not there."""
        ...

    async def changes(self, slug: str, old: str | None, new: str) -> list[Change]:
        """The files that differ; everything when `old` is `None`. A rename is a removal and an addition.

        Raises `HistoryRewound` when `old` is no longer in the repository.
        """
        ...

    async def commit(
        self,
        slug: str,
        *,
        author: Author,
        message: str,
        edits: Mapping[str, bytes | None],
        expect: Mapping[str, str | None] | None = None,
    ) -> CommitResult:
        """Put `edits` (path → content, `None` removes) on main as one commit.

        Compare-and-swap: a HEAD that moved on other files is retried inside; where a path of `expect`
        does not hold the named blob (`None` = must not exist) nothing is written and `StaleBlob` is
        raised. Edits that change nothing make no commit. Durable on disk when this returns.
        Raises `PathNotAllowed` for paths that must not be written.
        """
        ...

    async def history(
        self, slug: str, path: str | None = None, *, limit: int = 50, before: str | None = None
    ) -> list[CommitInfo]:
        """Commits of main, newest first, that touched `path` (a file or folder); `before` continues
        after that commit of an earlier page."""
        ...

    async def commit_info(self, slug: str, commit: str) -> CommitInfo:
        """Raises `ObjectMissing`."""
        ...

    async def last_changes(self, slug: str, old: str | None, new: str) -> dict[str, CommitInfo]:
        """For every path that commits of `old..new` touched, the last one of them that did."""
        ...

    async def resolve(self, slug: str, ref: str) -> str | None:
        """The commit that a branch's name or a whole commit id stands for; `None` if there is none."""
        ...

    async def merged(self, slug: str, commit: str) -> Merge:
        """What merging `commit` into main would do; nothing is written. Raises `ObjectMissing`."""
        ...

    async def is_ancestor(self, slug: str, old: str, new: str) -> bool:
        """Whether going from `old` to `new` is a fast-forward; `False` too if `old` is unknown."""
        ...

    def clone_path(self, slug: str) -> str:
        """The path under Crontopus' public address that `git clone` takes."""
        ...
