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
from dulwich.objects import ZERO_SHA, Blob, Commit, ObjectID, Tree
from dulwich.refs import DiskRefsContainer, Ref

from crontopus_api.gitstore.bare.durable import fsync_path, write_objects
from crontopus_api.gitstore.bare.locks import clear_litter, writing
from crontopus_api.gitstore.bare.trees import apply_edits, find_blob, load_tree
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
        head = self._head()
        return None if head is None else head.decode("ascii")

    def read_blob(self, blob_id: str) -> bytes:
        with self._objects() as store:
            return self._blob(store, blob_id)

    def read_file(self, commit: str, path: str) -> bytes:
        with self._objects() as store:
            found = find_blob(store, self._root(store, _object_id(commit)), check_path(path))
            if found is None:
                raise ObjectMissing(f"file {path!r} of commit {commit}")
            return self._blob(store, found.decode("ascii"))

    def commit(self, draft: Draft) -> CommitResult:
        """Retries while others move HEAD. Raises `StaleBlob`, `PathNotAllowed`, `GitUnavailable`."""
        blobs = {path: None if data is None else _blob_of(data) for path, data in draft.edits.items()}
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

    def _try_commit(self, draft: Draft, blobs: Mapping[str, Blob | None]) -> CommitResult | None:
        """One attempt on the HEAD of now; `None` if it moved meanwhile."""
        head = self._head()
        ids = {path: None if blob is None else blob.id for path, blob in blobs.items()}
        with self._objects() as store:
            root = Tree() if head is None else self._root(store, head)
            for path, expected in draft.expect.items():
                _check_expected(store, root, path, expected)
            tree, new_trees = apply_edits(store, root, ids)
            new_blobs = [b for p, b in blobs.items() if b is not None and find_blob(store, root, p) != b.id]
        parent = None if head is None else head.decode("ascii")
        result = {path: None if i is None else i.decode("ascii") for path, i in ids.items()}
        if head is not None and tree.id == root.id:
            return CommitResult(parent or "", parent, result, changed=False)
        commit = _commit_of(draft, tree, head)
        write_objects(self.path / "objects", [*new_blobs, *new_trees, commit])
        if not self._swap(head, commit.id):
            return None
        return CommitResult(commit.id.decode("ascii"), parent, result, changed=True)

    def _swap(self, old: ObjectID | None, new: ObjectID) -> bool:
        refs = DiskRefsContainer(self.path)
        if not refs.set_if_equals(Ref(MAIN_REF), old or ZERO_SHA, new):
            return False
        fsync_path(self.path / "refs" / "heads")  # the file itself dulwich has flushed
        return True

    def _head(self) -> ObjectID | None:
        found = DiskRefsContainer(self.path).read_ref(Ref(MAIN_REF))
        if found is None and not self.exists():
            raise self._missing()
        return None if found is None else ObjectID(found)

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

    def _root(self, store: DiskObjectStore, commit_id: ObjectID) -> Tree:
        try:
            commit = store[commit_id]
        except KeyError as error:
            raise ObjectMissing(f"commit {commit_id.decode()}") from error
        if not isinstance(commit, Commit):
            raise ObjectMissing(f"commit {commit_id.decode()}")
        return load_tree(store, commit.tree)

    def _blob(self, store: DiskObjectStore, blob_id: str) -> bytes:
        try:
            blob = store[_object_id(blob_id)]
        except KeyError as error:
            raise ObjectMissing(f"blob {blob_id}") from error
        if not isinstance(blob, Blob):
            raise ObjectMissing(f"blob {blob_id}")
        if len(blob.data) > self._limit:
            raise BlobTooLarge(f"blob {blob_id}", len(blob.data), self._limit)
        return blob.data


def _object_id(text: str) -> ObjectID:
    if not is_object_id(text):
        raise ObjectMissing(f"object {text!r}")
    return ObjectID(text.encode("ascii"))


def _blob_of(data: bytes) -> Blob:
    blob = Blob()
    blob.data = data
    return blob


def _check_expected(store: DiskObjectStore, root: Tree, path: str, expected: str | None) -> None:
    found = find_blob(store, root, path)
    actual = None if found is None else found.decode("ascii")
    if actual != expected:
        raise StaleBlob(path, expected, actual)


def _commit_of(draft: Draft, tree: Tree, parent: ObjectID | None) -> Commit:
    commit = Commit()
    commit.tree = tree.id
    commit.parents = [] if parent is None else [parent]
    commit.author = _identity(draft.author)
    commit.committer = _identity(COMMITTER)
    commit.author_time = commit.commit_time = int(draft.at.timestamp())
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = None
    commit.message = (draft.message.replace("\0", "").strip() or "Change jobs").encode() + b"\n"
    if draft.signer is not None:
        commit.gpgsig = draft.signer.sign(commit.as_raw_string())
    return commit


def _identity(author: Author) -> bytes:
    """`Name <email>` with whatever would end a field or the line taken out."""
    name = _field(author.name) or _field(author.email) or "unknown"
    return f"{name} <{_field(author.email)}>".encode()


def _field(text: str) -> str:
    return "".join(c for c in text if c not in "<>" and c.isprintable()).strip()
