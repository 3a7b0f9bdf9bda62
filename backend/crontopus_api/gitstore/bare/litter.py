"""What killed processes leave in a repository, and how to know that nobody needs it any more.

Two locks tell: the writers' (see `locks`) and the one that maintenance holds while it works. A file that
only maintenance makes is litter as soon as somebody holds its lock. One that writers make is litter when
nobody writes; in a repository where somebody always does, when it is older than any request can be.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from crontopus_api.gitstore.bare.locks import nobody_writes

# No request lives that long, whatever its limits are set to.
_OLDER_THAN_ANY_REQUEST_SECONDS = 24 * 3600.0

_OF_MAINTENANCE = (
    "gc.pid",
    "gc.pid.lock",
    "objects/info/commit-graph.lock",
    "objects/info/commit-graphs/*.lock",
    "objects/pack/.tmp-*",  # what `git repack` has not moved into place
)
# Of both: index-pack and pack-objects make files alike.
_OF_WRITERS = (
    "objects/tmp_*",  # also the quarantine folders of pushes, tmp_objdir-incoming-*, and `durable`'s packs
    "objects/incoming-*",  # the same, of git before 2.35
    "objects/[0-9a-f][0-9a-f]/tmp_*",
    "objects/pack/tmp_*",
    "objects/info/tmp_*",
)
# receive-pack keeps a pack from `git repack` until its refs are written; killed there, for ever.
_KEPT_BY_A_PUSH = b"receive-pack "


def clear_of_maintenance(repository: Path) -> list[str]:
    """Remove what a killed maintenance left; the caller holds its lock. What was removed, as paths."""
    return _remove(repository, _found(repository, _OF_MAINTENANCE))


def clear_of_writers(lock: Path, repository: Path) -> list[str]:
    """Remove what killed writers left, and killed maintenance beside it; the caller holds the lock of
    maintenance. What was removed, as paths."""
    with nobody_writes(lock) as nobody:
        found = [*_found(repository, _OF_WRITERS), *_kept_by_a_push(repository)]
        limit = time.time() - _OLDER_THAN_ANY_REQUEST_SECONDS
        return _remove(repository, found if nobody else [p for p in found if _older(p, limit)])


def clear_of_host(directory: Path, *, older_than_seconds: float = 3600.0) -> list[str]:
    """Remove half-made and half-deleted repositories from a host's directory: those that nobody has
    touched for a while. (Making one takes milliseconds and begins by removing its own leftover.)"""
    limit = time.time() - older_than_seconds
    found = [*directory.glob(".creating-*"), *directory.glob(".deleting-*")]
    return _remove(directory, [p for p in found if _older(p, limit)])


def _found(repository: Path, patterns: tuple[str, ...]) -> list[Path]:
    return [path for pattern in patterns for path in repository.glob(pattern)]


def _kept_by_a_push(repository: Path) -> Iterator[Path]:
    for path in repository.glob("objects/pack/*.keep"):
        try:
            if path.read_bytes().startswith(_KEPT_BY_A_PUSH):
                yield path
        except FileNotFoundError:  # the push has ended
            continue


def _older(path: Path, limit: float) -> bool:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    return max(status.st_mtime, status.st_ctime) < limit


def _remove(base: Path, found: list[Path]) -> list[str]:
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return [str(path.relative_to(base)) for path in found]
