"""One bare repository on this disk: reading objects, and committing by compare-and-swap.

Synchronous: callers run it in threads. Works beside any number of other writers, `git` included.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import uniform

from dulwich.file import FileLocked
from dulwich.object_store import DiskObjectStore
from dulwich.objects import ZERO_SHA, Blob, Commit, ObjectID
from dulwich.refs import DiskRefsContainer, Ref

from crontopus_api.gitstore.bare.durable import fsync_path, write_objects
from crontopus_api.gitstore.bare.locks import clear_litter, writing
from crontopus_api.gitstore.bare.trees import NewObject, Trees, read_raw
from crontopus_api.gitstore.errors import (
    BlobTooLarge,
    GitUnavailable,
    ObjectMissing,
    RepositoryMissing,
    StaleBlob,
)
from crontopus_api.gitstore.host import COMMITTER, MAIN_REF, Author, CommitResult, Signer
from crontopus_api.gitstore.paths import check_path, is_object_id

_COMMIT_DEADLINE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit to be made, whatever HEAD it lands on. See `GitHost.commit`; paths are already checked."""

    author: Author
    message: str
    edits: Mapping[str, bytes | None]
    at: datetime
    expect: Mapping[str, str | None] = field(default_factory=dict)
    signer: Signer | None = None


class BareRepository:
    """`lock` is the file whose `flock` says who is writing (see `locks`); `limit` the largest blob
    in bytes that is read."""

    def __init__(self, path: Path, lock: Path, *, limit: int) -> None:
        self.path = path
        self.lock = lock
        self._limit = limit

    def exists(self) -> bool:
        return (self.path / "HEAD").is_file()

    def head(self) -> str | None:
        found = DiskRefsContainer(self.path).read_ref(Ref(MAIN_REF))
        if found is None and not self.exists():
            raise self._missing()
        return None if found is None else found.decode("ascii")

    def read_blob(self, blob_id: str) -> bytes:
        with self._objects() as store:
            return self._blob(store, _checked(blob_id))

    def read_file(self, commit: str, path: str) -> bytes:
        with self._objects() as store:
            trees = Trees(store)
            found = trees.find_blob(trees.root_of(_checked(commit)), check_path(path))
            if found is None:
                raise ObjectMissing(f"file {path!r} of commit {commit}")
            return self._blob(store, found)

    def commit(self, draft: Draft) -> CommitResult:
        """Retries while others move HEAD. Raises `StaleBlob`, `PathNotAllowed`, `GitUnavailable`."""
        blobs = _blobs_of(draft)
        deadline = time.monotonic() + _COMMIT_DEADLINE_SECONDS
        while True:
            try:
                with writing(self.lock):
                    result = self._try_commit(draft, blobs)
            except FileLocked:
                # A push holds main.lock for milliseconds, a writer killed there for ever.
                clear_litter(self.lock, self.path)
                result = None
            if result is not None:
                return result
            if time.monotonic() > deadline:
                raise GitUnavailable(f"{self.path.name} was written by others all the time; try again")
            time.sleep(uniform(0.001, 0.01))  # noqa: S311 - spreads contenders, hides nothing

    def build(self, draft: Draft, parent: str | None) -> CommitResult:
        """The commit on `parent`, whole on the disk but named by no ref. Raises as `commit` does."""
        with writing(self.lock):
            return self._build(draft, _blobs_of(draft), parent)

    def point(self, commit: str) -> None:
        """Put main on `commit`, wherever it was. Raises `FileLocked` while another writer does so."""
        with writing(self.lock):
            DiskRefsContainer(self.path).set_if_equals(Ref(MAIN_REF), None, ObjectID(commit.encode("ascii")))

    def _try_commit(self, draft: Draft, blobs: Mapping[str, NewObject | None]) -> CommitResult | None:
        """One attempt on the HEAD of now; `None` if it moved meanwhile."""
        parent = self.head()
        result = self._build(draft, blobs, parent)
        return result if not result.changed or self._swap(parent, result.commit) else None

    def _build(self, draft: Draft, blobs: Mapping[str, NewObject | None], parent: str | None) -> CommitResult:
        at = draft.at.replace(microsecond=0)  # Git counts whole seconds
        ids = {path: None if blob is None else blob.id for path, blob in blobs.items()}
        with self._objects() as store:
            trees = Trees(store)
            root = None if parent is None else trees.root_of(parent)
            for path, expected in draft.expect.items():
                actual = trees.find_blob(root, path)
                if actual != expected:
                    raise StaleBlob(path, expected, actual)
            tree, new_trees = trees.edit(root, ids)
            new = [b for p, b in blobs.items() if b is not None and trees.find_blob(root, p) != b.id]
        if parent is not None and tree == root:
            return CommitResult(parent, parent, ids, changed=False, at=at)
        commit = _commit_of(draft, tree, parent)
        write_objects(self.path / "objects", [*new, *new_trees, commit])
        return CommitResult(commit.id, parent, ids, changed=True, at=at)

    def _swap(self, old: str | None, new: str) -> bool:
        refs = DiskRefsContainer(self.path)
        expected = ZERO_SHA if old is None else ObjectID(old.encode("ascii"))
        if not refs.set_if_equals(Ref(MAIN_REF), expected, ObjectID(new.encode("ascii"))):
            return False
        fsync_path(self.path / "refs" / "heads")  # the file itself dulwich has flushed
        return True

    def _missing(self) -> RepositoryMissing:
        return RepositoryMissing(self.path.name.removeprefix("job-manifests-").removesuffix(".git"))

    @contextmanager
    def _objects(self) -> Iterator[DiskObjectStore]:
        if not self.exists():
            raise self._missing()
        # Opened anew each time: packs come and go under other processes' hands, and a store is not
        # made for several threads.
        store = DiskObjectStore(self.path / "objects", loose_object_size_limit=max(self._limit, 64 << 20))
        try:
            yield store
        finally:
            store.close()

    def _blob(self, store: DiskObjectStore, blob_id: str) -> bytes:
        try:
            kind, data = read_raw(store, blob_id)
        except KeyError as error:
            raise ObjectMissing(f"blob {blob_id}") from error
        if kind != Blob.type_num:
            raise ObjectMissing(f"blob {blob_id}")
        if len(data) > self._limit:
            raise BlobTooLarge(f"blob {blob_id}", len(data), self._limit)
        return data


def _blobs_of(draft: Draft) -> dict[str, NewObject | None]:
    return {p: None if data is None else NewObject(b"blob", data) for p, data in draft.edits.items()}


def _checked(object_id: str) -> str:
    if not is_object_id(object_id):
        raise ObjectMissing(f"object {object_id!r}")
    return object_id


def _commit_of(draft: Draft, tree: str, parent: str | None) -> NewObject:
    commit = Commit()
    commit.tree = ObjectID(tree.encode("ascii"))
    commit.parents = [] if parent is None else [ObjectID(parent.encode("ascii"))]
    commit.author = _identity(draft.author)
    commit.committer = _identity(COMMITTER)
    commit.author_time = commit.commit_time = int(draft.at.timestamp())
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = None
    commit.message = (draft.message.replace("\0", "").strip() or "Change jobs").encode() + b"\n"
    if draft.signer is not None:
        commit.gpgsig = draft.signer.sign(commit.as_raw_string())
    return NewObject(b"commit", commit.as_raw_string())


def _identity(author: Author) -> bytes:
    """`Name <email>` with whatever would end a field or the line taken out."""
    name = _field(author.name) or _field(author.email) or "unknown"
    return f"{name} <{_field(author.email)}>".encode()


def _field(text: str) -> str:
    return "".join(c for c in text if c not in "<>" and c.isprintable()).strip()
