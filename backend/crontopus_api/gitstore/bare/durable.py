"""Writes that are on the disk, not in a cache, when they return: files, directory entries, Git objects."""

import os
import secrets
import tempfile
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from dulwich.object_store import DiskObjectStore
from dulwich.objects import ShaFile

from crontopus_api.gitstore.bare.trees import NewObject

# Above this many objects one pack costs less than that many files (and as many fsyncs).
LOOSE_LIMIT = 64

# Fast: a tree is mostly hashes, which nothing compresses, and `git gc` packs anew anyway.
_ZLIB_LEVEL = 1

_TYPE_NUMBERS = {b"commit": 1, b"tree": 2, b"blob": 3}


def fsync_path(path: Path) -> None:
    """Flush a file or a directory's entries."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def fsync_tree(root: Path) -> None:
    """Flush everything below `root`, itself included. For small trees."""
    for directory, _, files in os.walk(root, topdown=False):
        for name in files:
            fsync_path(Path(directory, name))
        fsync_path(Path(directory))


def fsync_recent(repository: Path, since: float) -> None:
    """Flush the directory entries that `git receive-pack` made from `since` (Unix time) on: it flushes
    files, but not the directories it moves them into."""
    objects = repository / "objects"
    fanout = (entry for entry in objects.iterdir() if len(entry.name) == 2)
    for directory in (*fanout, objects / "pack", objects):
        with suppress(FileNotFoundError):  # its objects went into a pack meanwhile, which `git gc` flushed
            # File systems round times down, some to whole seconds.
            if directory.stat().st_mtime >= since - 2:
                fsync_path(directory)
    for directory in (repository / "refs" / "heads", repository / "refs"):
        fsync_path(directory)


def write_objects(objects: Path, new: Sequence[NewObject]) -> None:
    """Add objects to the object directory and flush them.

    dulwich's own `add_object` locks by a file `xx/yy.lock`: a process killed there would leave that
    object unwritable for ever. So each goes through a `tmp_obj_*` file, as in git itself, whose
    garbage `git gc` knows how to remove. Objects already there loose get a fresh time, which keeps
    them from a `gc` that runs now; ones there packed are written again, for the same reason.
    """
    if len(new) > LOOSE_LIMIT:
        _write_pack(objects, new)
        return
    pending: list[tuple[Path, Path]] = []
    touched: set[Path] = set()
    for obj in new:
        target = objects / obj.id[:2] / obj.id[2:]
        try:
            os.utime(target)
        except FileNotFoundError:
            pending.append((_write_temporary(target.parent, obj, touched), target))
        touched.add(target.parent)
    # All files first, then all renames, then all directories: a journalling file system then has
    # the most to flush at the first fsync of each group and nearly nothing at the others.
    for temporary, _ in pending:
        fsync_path(temporary)
    for temporary, target in pending:
        temporary.rename(target)
    for directory in touched:
        with suppress(FileNotFoundError):  # its objects are in a pack by now, which `git gc` flushed
            fsync_path(directory)


def _write_temporary(directory: Path, obj: NewObject, touched: set[Path]) -> Path:
    """The file, in a folder that is made if need be; `touched` gets to know where it was made."""
    temporary = directory / f"tmp_obj_{secrets.token_hex(8)}"
    while True:
        if not directory.is_dir():
            directory.mkdir(exist_ok=True)
            touched.add(directory.parent)
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        except FileNotFoundError:
            continue  # `git gc` removes folders it has emptied; from the first file on, this one stays
        with os.fdopen(fd, "wb") as stream:
            stream.write(zlib.compress(obj.encoded, _ZLIB_LEVEL))
        return temporary


def _write_pack(objects: Path, new: Sequence[NewObject]) -> None:
    """Made in a directory of its own, named so that `litter` knows it: dulwich writes `tmp*.pack` where
    it is to be, and a `git repack` that sees such a pack, which has no index yet, gives up.

    The pack first, then the index that makes it one, under a name that nobody else has: a pack of the
    same objects may be there and on its way out."""
    with tempfile.TemporaryDirectory(prefix="tmp_objdir-", dir=objects) as scratch:
        building = Path(scratch)
        (building / "pack").mkdir()
        store = DiskObjectStore(building, fsync_object_files=True)
        try:
            store.add_objects([(_sha_file(obj), None) for obj in new])
        finally:
            store.close()
        name = f"pack-{secrets.token_hex(20)}"
        for suffix in (".pack", ".idx"):
            [made] = (building / "pack").glob(f"*{suffix}")
            made.rename(objects / "pack" / f"{name}{suffix}")
    fsync_path(objects / "pack")


def _sha_file(obj: NewObject) -> ShaFile:
    return ShaFile.from_raw_string(_TYPE_NUMBERS[obj.kind], obj.data)
