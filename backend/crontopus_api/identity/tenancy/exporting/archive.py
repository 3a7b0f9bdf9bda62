"""A zip file that is written onwards only, so that it can be sent while it grows."""

import zipfile
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO

import msgspec
from anyio import to_thread

_CHUNK = 1 << 20


class _Forward:
    """Cannot be asked where it is or be put back: zipfile then never writes again what it has written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.given_up = False

    def write(self, data: bytes, /) -> int:
        return len(data) if self.given_up else self._file.write(data)

    def flush(self) -> None:
        if not self.given_up:
            self._file.flush()

    def close(self) -> None:
        """Whoever opened it closes it."""


class Archive:
    """Use as a context: whole when it ends well, and without its directory (so that no reader takes it) when not.

    `counts`: rows by file.
    """

    def __init__(self, file: BinaryIO, at: datetime) -> None:
        self._forward = _Forward(file)
        self._zip = zipfile.ZipFile(self._forward, "w", zipfile.ZIP_DEFLATED)
        self._at = at
        self.counts: dict[str, int] = {}

    def __enter__(self) -> "Archive":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._forward.given_up = kind is not None
        self._zip.close()

    def entry(self, name: str, compression: int = zipfile.ZIP_DEFLATED) -> IO[bytes]:
        """Opened for writing, one at a time."""
        information = zipfile.ZipInfo(name, self._at.timetuple()[:6])
        information.compress_type = compression
        information.external_attr = 0o600 << 16
        # How long it gets is known at its end.
        return self._zip.open(information, "w", force_zip64=True)

    async def add(self, name: str, content: Any) -> None:
        """As JSON that people can read."""

        def write() -> None:
            with self.entry(name) as entry:
                entry.write(msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n")

        await to_thread.run_sync(write)

    async def add_file(self, name: str, path: Path) -> None:
        """And remove it. For what is compressed already."""

        def write() -> None:
            with path.open("rb") as source, self.entry(name, zipfile.ZIP_STORED) as entry:
                while chunk := source.read(_CHUNK):
                    entry.write(chunk)
            path.unlink()

        await to_thread.run_sync(write)
