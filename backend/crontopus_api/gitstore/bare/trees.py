"""Trees read and edited as bytes: nothing is written until the caller knows all of it.

dulwich's `Tree` turns every entry into objects and back, 150 ms for one edit in a folder of 10,000
files. Here an entry stays the bytes it was; only the touched ones are made anew.
"""

import hashlib
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field

from dulwich.object_store import DiskObjectStore
from dulwich.objects import Commit, ObjectID, Tree

from crontopus_api.gitstore.errors import ObjectMissing, PathNotAllowed

_FILE_MODE = b"100644"
_TREE_MODE = b"40000"

_ENTRY = re.compile(rb"([0-7]{5,6} ([^\0]+)\0.{20})", re.DOTALL)

# A folder: name → its whole entry, `mode SP name NUL sha`, in Git's order.
Entries = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object to be written: `kind` is `blob`, `tree` or `commit`, `data` what is hashed behind it."""

    kind: bytes
    data: bytes
    id: str = field(init=False)

    def __post_init__(self) -> None:
        # SHA-1 is what names objects in Git; it protects nothing here.
        object.__setattr__(self, "id", hashlib.sha1(self.encoded, usedforsecurity=False).hexdigest())

    @property
    def encoded(self) -> bytes:
        return b"%s %d\0%s" % (self.kind, len(self.data), self.data)


@dataclass(slots=True)
class _Folder:
    """The edits below one folder: files by name (`None` removes), and folders by name."""

    path: str
    files: dict[bytes, str | None] = field(default_factory=dict)
    folders: dict[bytes, "_Folder"] = field(default_factory=dict)


def read_raw(store: DiskObjectStore, object_id: str) -> tuple[int, bytes]:
    """Type and content. Looks twice, as git does: between dulwich's look into the packs and the one
    beside them, `git gc` may have moved the object from there to here. Raises `KeyError`."""
    name = ObjectID(object_id.encode("ascii"))
    try:
        return store.get_raw(name)
    except KeyError:
        return store.get_raw(name)


class Trees:
    """The trees of one repository, each read once."""

    def __init__(self, store: DiskObjectStore) -> None:
        self._store = store
        self._read: dict[str, Entries] = {}

    def root_of(self, commit_id: str) -> str:
        kind, data = self._raw(commit_id, "commit")
        if kind != Commit.type_num:
            raise ObjectMissing(f"commit {commit_id}")
        return data[len(b"tree ") :][:40].decode("ascii")

    def entries(self, tree_id: str) -> Entries:
        if tree_id not in self._read:
            kind, data = self._raw(tree_id, "tree")
            if kind != Tree.type_num:
                raise ObjectMissing(f"tree {tree_id}")
            self._read[tree_id] = _parse(data)
        return self._read[tree_id]

    def find_blob(self, root: str | None, path: str) -> str | None:
        """The id of the regular file at `path`; `None` if there is none."""
        *folders, name = path.encode().split(b"/")
        for folder in folders:
            entry = self.entries(root).get(folder) if root else None
            root = _id(entry) if entry is not None and _is_folder(entry) else None
        entry = self.entries(root).get(name) if root else None
        return _id(entry) if entry is not None and _is_file(entry) else None

    def edit(self, root: str | None, edits: Mapping[str, str | None]) -> tuple[str, list[NewObject]]:
        """The new root's id and all trees that are new with it; `edits` maps paths to blobs, `None`
        removes. A folder left empty disappears, as Git has it."""
        top = _Folder("")
        for path, blob_id in edits.items():
            *folders, name = path.encode().split(b"/")
            node = top
            for folder in folders:
                node = node.folders.setdefault(folder, _Folder(f"{node.path}{folder.decode()}/"))
            node.files[name] = blob_id
        new: list[NewObject] = []
        changed = self._edit(self.entries(root) if root else {}, top, new)
        if changed is None and root is not None:
            return root, []
        tree = NewObject(b"tree", b"".join((changed or {}).values()))
        return tree.id, [*new, tree]

    def _edit(self, before: Entries, edits: _Folder, new: list[NewObject]) -> Entries | None:
        """The folder after the edits; `None` if they change nothing."""
        after = dict(before)
        for name, blob_id in edits.files.items():
            _edit_file(after, edits, name, blob_id)
        for name, folder in edits.folders.items():
            below = self._edit(self._below(after, name, folder), folder, new)
            if below:
                tree = NewObject(b"tree", b"".join(below.values()))
                new.append(tree)
                after[name] = _entry(_TREE_MODE, name, tree.id)
            elif below is not None:
                after.pop(name, None)
        if after == before:
            return None
        if after.keys() - before.keys():
            after = dict(sorted(after.items(), key=_git_order))
        return after

    def _below(self, entries: Entries, name: bytes, folder: _Folder) -> Entries:
        entry = entries.get(name)
        if entry is None:
            return {}
        if not _is_folder(entry):
            raise PathNotAllowed(folder.path.rstrip("/"), "is a file in the repository, not a folder")
        return self.entries(_id(entry))

    def _raw(self, object_id: str, what: str) -> tuple[int, bytes]:
        try:
            return read_raw(self._store, object_id)
        except KeyError as error:
            raise ObjectMissing(f"{what} {object_id}") from error


def _edit_file(entries: Entries, edits: _Folder, name: bytes, blob_id: str | None) -> None:
    path = f"{edits.path}{name.decode()}"
    if name in edits.folders and blob_id is not None:
        raise PathNotAllowed(path, "both a file and a folder")
    entry = entries.get(name)
    if entry is not None and not _is_file(entry):
        kind = "a folder" if _is_folder(entry) else "a symbolic link or submodule"
        raise PathNotAllowed(path, f"is {kind} in the repository")
    if blob_id is not None:
        mode = _FILE_MODE if entry is None else entry.partition(b" ")[0]
        entries[name] = _entry(mode, name, blob_id)
    else:
        entries.pop(name, None)


def _parse(data: bytes) -> Entries:
    found = _ENTRY.findall(data)
    if sum(len(entry) for entry, _ in found) != len(data):
        raise ObjectMissing("a readable tree")
    return {name: entry for entry, name in found}


def _entry(mode: bytes, name: bytes, object_id: str) -> bytes:
    return b"%s %s\0%s" % (mode, name, bytes.fromhex(object_id))


def _id(entry: bytes) -> str:
    return entry[-20:].hex()


def _mode(entry: bytes) -> int:
    return int(entry.partition(b" ")[0], 8)


def _is_folder(entry: bytes) -> bool:
    return stat.S_ISDIR(_mode(entry))


def _is_file(entry: bytes) -> bool:
    return stat.S_ISREG(_mode(entry))


def _git_order(item: tuple[bytes, bytes]) -> bytes:
    """Git sorts a folder as if its name ended in a slash."""
    name, entry = item
    return name + b"/" if _is_folder(entry) else name
