"""Where check-ins wait while the database is away: a file that survives the process.

Records are appended in order and flushed to the disk before anybody is told that they are safe; later they are
read back in order and written to the database under the event ids they always had, so that reading a journal
twice changes nothing. A record that was cut short by a crash was never acknowledged: reading ends there. One that
the disk has damaged is passed over, and its file kept.
"""

import errno
import fcntl
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from crontopus_api.checkins.records import CheckIn
from crontopus_api.kit.ids import uuid7

log = structlog.get_logger()

_HEAD = struct.Struct("<II")  # length and CRC-32 of what follows
_SUFFIX = ".journal"
# More than this waiting means that nobody looks after the database: senders are told to try again.
MOST_BYTES = 1 << 30
_CHUNK_BYTES = 8 << 20
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(CheckIn)


class Journal:
    """The journals of a directory: this process's own, and what killed processes left behind. Blocking I/O.

    A process holds its file locked; one that nobody holds is an orphan, and whoever locks it writes it home.
    """

    def __init__(self, directory: Path, most_bytes: int = MOST_BYTES) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._own: _File | None = None
        self._orphans: list[_File] = []

    @property
    def pending(self) -> bool:
        """Whether something waits to be written to the database."""
        return bool(self._orphans) or (self._own is not None and self._own.pending)

    @property
    def waiting_bytes(self) -> int:
        return sum(file.waiting_bytes for file in [*self._orphans, *filter(None, [self._own])])

    def adopt(self) -> int:
        """Take over the files of processes that are gone; how many there are."""
        for path in sorted(self._directory.glob(f"*{_SUFFIX}")):
            if all(path != held.path for held in [*self._orphans, *filter(None, [self._own])]):
                file = _File.lock(path)
                if file is not None:
                    self._orphans.append(file)
        return len(self._orphans)

    def append(self, check_ins: Sequence[CheckIn]) -> None:
        """Durable when this returns. Raises OSError, and then nothing was kept."""
        data = b"".join(map(_record, check_ins))
        if self._own is None:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._own = _File.create(self._directory / f"{uuid7()}{_SUFFIX}")
        if self._own.size + len(data) > self._most_bytes:
            raise OSError(errno.ENOSPC, "too much waits for the database already")
        self._own.append(data)

    def next_chunk(self, most: int) -> list[CheckIn]:
        """The oldest records, at most so many, that `done` has not been said of. Empty: there are none."""
        while self._orphans:
            records = self._orphans[0].take(most)
            if records:
                return records
            self._orphans.pop(0).remove()
        if self._own is None:
            return []
        records = self._own.take(most)
        if not records and self._own.pending:
            self._own.remove()
            self._own = None
        return records

    def done(self) -> None:
        """The last chunk is in the database."""
        file = self._orphans[0] if self._orphans else self._own
        assert file is not None
        file.done()
        if not self._orphans and not file.pending:
            file.empty()

    def close(self) -> None:
        """Give the files back: what is still in them is an orphan's from now on."""
        for file in [*self._orphans, *filter(None, [self._own])]:
            file.close()
        self._orphans, self._own = [], None


class _File:
    """One journal, locked. `size` is how much of it is whole, `_done` how much of that has been written home."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self._done = self._taken = 0
        self._damaged = False

    @classmethod
    def create(cls, path: Path) -> "_File":
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sync_directory(path.parent)
        return cls(path, descriptor)

    @classmethod
    def lock(cls, path: Path) -> "_File | None":
        """None while the process whose file it is lives."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None  # somebody else has just finished it
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(path, descriptor)

    @property
    def pending(self) -> bool:
        return self.size > self._done

    @property
    def waiting_bytes(self) -> int:
        return self.size - self._done

    def append(self, data: bytes) -> None:
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._descriptor, data[written:], self.size + written)
            os.fdatasync(self._descriptor)
        except OSError:
            # What got there was not acknowledged, and must not be found later.
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(data)

    def take(self, most: int) -> list[CheckIn]:
        data = os.pread(self._descriptor, min(_CHUNK_BYTES, self.size - self._done), self._done)
        records: list[CheckIn] = []
        at = 0
        while len(records) < most and at + _HEAD.size <= len(data):
            length, checksum = _HEAD.unpack_from(data, at)
            body = data[at + _HEAD.size : at + _HEAD.size + length]
            if len(body) < length:
                break
            at += _HEAD.size + length
            if zlib.crc32(body) == checksum:
                records.append(_decoder.decode(body))
            else:
                self._damaged = True
        self._taken = at
        if not records and at:  # nothing but damaged ones: what comes after them may be whole
            self.done()
            return self.take(most)
        return records

    def done(self) -> None:
        self._done += self._taken
        self._taken = 0

    def empty(self) -> None:
        os.ftruncate(self._descriptor, 0)
        self.size = self._done = self._taken = 0

    def remove(self) -> None:
        """What could not be read is set aside for somebody to look at, not thrown away."""
        if self._damaged or self.pending:
            aside = self.path.with_suffix(".damaged")
            log.error("journal_damaged", kept_as=str(aside), unread_from=self._done, size=self.size)
            self.path.rename(aside)
        else:
            self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)


def _record(check_in: CheckIn) -> bytes:
    body = _encoder.encode(check_in)
    return _HEAD.pack(len(body), zlib.crc32(body)) + body


def _sync_directory(directory: Path) -> None:
    """A new file is safe once its directory is."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
