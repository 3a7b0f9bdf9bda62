"""A file sent while it is being written: whoever writes it never waits for whoever reads.

A slow reader would otherwise keep the transaction open that the export is read in, and with it old rows in the whole
database.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from anyio import to_thread

_CHUNK = 1 << 16
_PREFIX = "export-"
# Of a process that was killed. No export takes so long.
_LEFT_OVER_SECONDS = 24 * 3600
_LOOK_SECONDS = 0.05


async def followed(directory: Path, write: Callable[[Path], Awaitable[None]]) -> AsyncGenerator[bytes, None]:
    """What `write` puts into the file it is given, as it grows. Its errors come out here; the file is removed."""
    await to_thread.run_sync(_prepare, directory)
    with TemporaryDirectory(prefix=_PREFIX, dir=directory) as scratch:
        path = Path(scratch, "export")
        await to_thread.run_sync(path.touch)
        writing = asyncio.ensure_future(write(path))
        try:
            with await to_thread.run_sync(path.open, "rb") as stream:
                while True:
                    # Asked before reading: what was written before the end is read after it.
                    over = writing.done()
                    chunk = await to_thread.run_sync(stream.read, _CHUNK)
                    if chunk:
                        yield chunk
                    elif over:
                        await writing
                        return
                    else:
                        await asyncio.wait({writing}, timeout=_LOOK_SECONDS)
        finally:
            # Before the directory goes: a thread may still be writing there.
            writing.cancel()
            await asyncio.wait({writing})


def _prepare(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in directory.glob(f"{_PREFIX}*"):
        try:
            old = path.stat().st_mtime < time.time() - _LEFT_OVER_SECONDS
        except FileNotFoundError:
            continue  # it has just ended
        if old:
            rmtree(path, ignore_errors=True)
