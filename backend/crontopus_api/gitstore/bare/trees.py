"""Edits of a tree, made in memory: nothing is written until the caller knows all of it."""

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field

from dulwich.object_store import DiskObjectStore
from dulwich.objects import ObjectID, Tree

from crontopus_api.gitstore.errors import ObjectMissing, PathNotAllowed

FILE_MODE = 0o100644


@dataclass(slots=True)
class _Folder:
    """The edits below one folder: files by name (`None` removes), and folders by name."""

    path: str
    files: dict[bytes, ObjectID | None] = field(default_factory=dict)
    folders: dict[bytes, "_Folder"] = field(default_factory=dict)


def load_tree(store: DiskObjectStore, tree_id: ObjectID) -> Tree:
    try:
        tree = store[tree_id]
    except KeyError as error:
        raise ObjectMissing(f"tree {tree_id.decode()}") from error
    if not isinstance(tree, Tree):
        raise ObjectMissing(f"tree {tree_id.decode()}")
    return tree


def find_blob(store: DiskObjectStore, root: Tree, path: str) -> ObjectID | None:
    """The id of the regular file at `path`; `None` if there is none."""
    *folders, name = path.encode().split(b"/")
    tree = root
    for folder in folders:
        if folder not in tree:
            return None
        mode, tree_id = tree[folder]
        if not stat.S_ISDIR(mode):
            return None
        tree = load_tree(store, tree_id)
    if name not in tree:
        return None
    mode, blob_id = tree[name]
    return blob_id if stat.S_ISREG(mode) else None


def apply_edits(
    store: DiskObjectStore, root: Tree, edits: Mapping[str, ObjectID | None]
) -> tuple[Tree, list[Tree]]:
    """The new root and all trees that are new with it. A folder left empty disappears, as Git has it."""
    top = _Folder("")
    for path, blob_id in edits.items():
        *folders, name = path.encode().split(b"/")
        node = top
        for folder in folders:
            below = f"{node.path}{folder.decode()}/"
            node = node.folders.setdefault(folder, _Folder(below))
        node.files[name] = blob_id
    new: list[Tree] = []
    tree = _apply(store, root, top, new)
    if tree.id != root.id:
        new.append(tree)
    return tree, new


def _apply(store: DiskObjectStore, old: Tree, edits: _Folder, new: list[Tree]) -> Tree:
    tree = Tree()
    for entry in old.items():
        tree.add(entry.path, entry.mode, entry.sha)
    for name, blob_id in edits.files.items():
        _apply_file(tree, edits, name, blob_id)
    for name, folder in edits.folders.items():
        before = _subtree(store, tree, name, folder)
        after = _apply(store, before, folder, new)
        if not len(after):
            if name in tree:
                del tree[name]
        elif after.id != before.id:
            tree[name] = (stat.S_IFDIR, after.id)
            new.append(after)
    return tree


def _apply_file(tree: Tree, edits: _Folder, name: bytes, blob_id: ObjectID | None) -> None:
    path = f"{edits.path}{name.decode()}"
    if name in edits.folders and blob_id is not None:
        raise PathNotAllowed(path, "both a file and a folder")
    mode = tree[name][0] if name in tree else None
    if mode is not None and not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a symbolic link or submodule"
        raise PathNotAllowed(path, f"is {kind} in the repository")
    if blob_id is not None:
        tree[name] = (mode or FILE_MODE, blob_id)
    elif mode is not None:
        del tree[name]


def _subtree(store: DiskObjectStore, tree: Tree, name: bytes, folder: _Folder) -> Tree:
    if name not in tree:
        return Tree()
    mode, tree_id = tree[name]
    if not stat.S_ISDIR(mode):
        raise PathNotAllowed(folder.path.rstrip("/"), "is a file in the repository, not a folder")
    return load_tree(store, tree_id)
