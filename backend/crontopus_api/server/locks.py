"""File locks: the kernel lets go of them when their holder dies, however it dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self


class FileLock:
    """An flock on a file, held from a successful `take` until `release`. The file stays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def take(self, *, shared: bool = False, wait: bool = True) -> bool:
        """Takes the lock, or changes its kind. False (and released) when others have it and `wait` is off."""
        if self._fd is None:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(self._fd, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        return True

    def write(self, text: str) -> None:
        """Replaces the file's content, for those who find the lock taken."""
        if self._fd is None:
            raise RuntimeError(f"{self.path} is written only by the holder of its lock")
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def release(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds the lock for the block, waiting for it as long as it takes."""
    with FileLock(path) as lock:
        lock.take()
        yield
