"""One `git http-backend` with its children: started in a group of its own, and ended as one."""

import asyncio
import contextlib
import logging
import os
import resource
import signal
from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

_TERM_GRACE_SECONDS = 2.0
_MAX_LOGGED_LINES = 20
CHUNK = 1 << 16


class BackendProcess:
    """Started by `start`, always ended by `end`."""

    def __init__(self, process: asyncio.subprocess.Process, label: str) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.stdin = process.stdin
        self.stdout = process.stdout
        self._process = process
        self._stderr = asyncio.create_task(_log_lines(process.stderr, label))

    @classmethod
    async def start(
        cls, env: Mapping[str, str], inherited: Sequence[int], max_memory: int, label: str
    ) -> "BackendProcess":
        process = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(env),
            pass_fds=tuple(inherited),
            start_new_session=True,
            limit=CHUNK,
        )
        # Before it has read a byte, so its children inherit it: what a hostile pack may unfold to.
        # (Linux only, as prlimit is; elsewhere the body's cap and bigFileThreshold remain.)
        if hasattr(resource, "prlimit"):
            with contextlib.suppress(ProcessLookupError):  # it ended already
                resource.prlimit(process.pid, resource.RLIMIT_AS, (max_memory, max_memory))
        return cls(process, label)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def offer(self, piece: bytes) -> None:
        """Into its input. Git may have said no and closed it: the rest of a body is then nobody's."""
        # Asked first: uvloop raises a bare RuntimeError where asyncio has a broken pipe.
        if self.stdin.is_closing():
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.stdin.write(piece)
            await self.stdin.drain()

    async def wait(self) -> int:
        await self._stderr
        return await self._process.wait()

    async def end(self) -> None:
        """End the whole group, if it has not: politely first, because git removes its lock files on
        SIGTERM, then for good. Returns when all of it is gone."""
        if self._process.returncode is None:
            gone = asyncio.gather(self._process.wait(), self._drained())
            self._signal(signal.SIGTERM)
            done, _ = await asyncio.wait({gone}, timeout=_TERM_GRACE_SECONDS)
            if not done:
                log.warning("git http-backend %s did not end when told to", self.pid)
                self._signal(signal.SIGKILL)
            await gone
        self.stdin.close()
        self._stderr.cancel()
        await asyncio.gather(self._stderr, return_exceptions=True)

    async def _drained(self) -> None:
        """Both outputs are at their end when the last of the group that holds them is gone: more than
        the first process's end says, whose children may still be writing the repository."""
        while await self.stdout.read(CHUNK):
            pass
        await self._stderr

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


async def _log_lines(stream: asyncio.StreamReader, label: str) -> None:
    """Git's complaints; the first lines of them, the rest is read and dropped."""
    count = 0
    rest = b""
    while block := await stream.read(CHUNK):
        *lines, rest = (rest + block).split(b"\n")
        rest = rest[:CHUNK]
        for line in lines:
            count += 1
            if count <= _MAX_LOGGED_LINES:
                log.info("git %s: %s", label, line.decode("utf-8", "backslashreplace")[:500])
