"""Child processes of a supervisor: prefixed output, restarts, and a sure end."""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from crontopus_api.server.errors import ServerError

BACKOFF_SECONDS = (1, 2, 4, 8, 15, 30)
# One that lived this long did start: its next failure is a new one.
STEADY_SECONDS = 60
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """What to run, and how long it may take to leave."""

    name: str
    command: Sequence[str]
    directory: Path | None = None
    stop_seconds: float = 15


class Child:
    """Keeps one program running until `stop`. `say(name, line)` gets its output and what happens to it."""

    def __init__(
        self, program: Program, environment: Mapping[str, str], say: Callable[[str, str], None]
    ) -> None:
        self.program = program
        self.failures = 0
        self._environment = environment
        self._say = say
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Starts the program again whenever it ends, waiting longer each time. Returns after `stop`.

        Raises ServerError when it cannot be run at all.
        """
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            self.failures = 1 if time.monotonic() - began > STEADY_SECONDS else self.failures + 1
            delay = BACKOFF_SECONDS[min(self.failures, len(BACKOFF_SECONDS)) - 1]
            self._say(self.program.name, f"ended with {_ending(code)}; starting it again in {delay} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)

    async def stop(self) -> None:
        """Asks it to end, then ends it and everything it started."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self.program.stop_seconds)
        except TimeoutError:
            self._say(self.program.name, f"did not end within {self.program.stop_seconds} s and is killed")
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what is left of its group
        await process.wait()

    async def _run_once(self) -> int:
        try:
            process = await asyncio.create_subprocess_exec(
                *self.program.command,
                cwd=self.program.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                process_group=0,  # Ctrl-C in the terminal is for the supervisor, which stops them in order
                preexec_fn=dying_with(os.getpid()),
            )
        except OSError as error:
            raise ServerError(f"{self.program.command[0]} cannot be run: {error.strerror}.") from error
        self._process = process
        if process.stdout is not None:
            await self._pass_on(process.stdout)
        return await process.wait()

    async def _pass_on(self, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._say(self.program.name, line.decode(errors="replace"))
        if rest:
            self._say(self.program.name, rest.decode(errors="replace"))


def dying_with(parent: int) -> Callable[[], None]:
    """For a new process to call first: the kernel kills it when its parent dies, were it by kill -9.

    SIGKILL, not SIGTERM: the next start must find the port free at once, and nothing acknowledged is lost by it.
    Linux only; elsewhere it does nothing.
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None).prctl

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return arrange


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
