"""Who is writing a repository, in a form that dies with the writer.

Git locks a ref by creating `main.lock`; a writer killed in between leaves it, and nobody can write
again. So everyone who writes also holds a shared `flock` on a file beside the repositories, which the
kernel releases whatever happens to its holder (a `git receive-pack` child inherits it). Whoever gets
that lock exclusively knows that nobody is writing: lock files still there are litter.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# packed-refs.new is no lock, but git writes it under one and, finding it there, gives up just so.
_LOCKED_TOP_FILES = ("HEAD.lock", "config.lock", "packed-refs.lock", "packed-refs.new", "shallow.lock")


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def hold_shared(path: Path) -> int:
    """A descriptor that holds `path` shared until it, and every copy a child inherited, is closed."""
    fd = _open(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
    except BaseException:
        os.close(fd)
        raise
    return fd


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Hold `path` shared."""
    fd = hold_shared(path)
    try:
        yield
    finally:
        os.close(fd)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold `path` exclusively, after every writer has gone."""
    fd = _open(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


@contextmanager
def nobody_writes(path: Path) -> Iterator[bool]:
    """Whether no writer is there, without waiting; if so, none begins inside the block."""
    fd = _open(path)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            nobody = False
        else:
            nobody = True
        yield nobody
    finally:
        os.close(fd)


def clear_litter(path: Path, repository: Path) -> bool:
    """Remove the lock files of dead writers; `False` if a living writer is there."""
    with nobody_writes(path) as nobody:
        if nobody:
            for litter in _lock_files(repository):
                litter.unlink(missing_ok=True)
        return nobody


def has_litter(repository: Path) -> bool:
    """Whether any lock file is there, of a living writer or a dead one."""
    return next(_lock_files(repository), None) is not None


def _lock_files(repository: Path) -> Iterator[Path]:
    yield from (repository / name for name in _LOCKED_TOP_FILES if (repository / name).exists())
    yield from (repository / "refs").rglob("*.lock")
