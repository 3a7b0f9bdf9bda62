"""Ways to run the command: in this process, as the installed script, and on a terminal."""

import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from crontopus_cli.main import run

SCRIPT = Path(sys.executable).parent / "crontopus"
LIMIT_SECONDS = 120  # generous: a test machine may be busy with other things


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class Crontopus:
    """`crontopus("jobs", "list")` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str, stdin: str = "") -> Result:
        self._monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as leaving:
            run(list(arguments))
        captured = self._capsys.readouterr()
        code = leaving.value.code
        return Result(int(code or 0), captured.out, captured.err)


def script(*arguments: str, stdin: str = "", **environment: str) -> Result:
    """The installed console script as a process of its own."""
    done = subprocess.run(
        [str(SCRIPT), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
        env={**os.environ, **environment},
    )
    return Result(done.returncode, done.stdout, done.stderr)


def on_terminal(
    *arguments: str, columns: int, replies: Sequence[tuple[str, str]] = (), **environment: str
) -> tuple[int, str]:
    """Exit code and everything shown, on a real pseudo-terminal of that width.

    `replies` are pairs: when the first has been shown, the second is typed.
    """
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [str(SCRIPT), *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    )
    os.close(slave)
    try:
        shown = _converse(master, list(replies))
        return process.wait(timeout=LIMIT_SECONDS), shown.decode().replace("\r\n", "\n")
    finally:
        process.kill()
        os.close(master)


def _converse(master: int, waiting: list[tuple[str, str]]) -> bytes:
    """Reads until the other side is closed, typing replies as their prompts appear."""
    shown, seen = b"", 0
    while select.select([master], [], [], LIMIT_SECONDS)[0]:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # Linux's way of saying that the other side is closed
            return shown
        shown += chunk
        if not chunk:
            return shown
        if waiting and (place := shown.find(waiting[0][0].encode(), seen)) >= 0:
            seen = place + len(waiting[0][0])
            os.write(master, f"{waiting.pop(0)[1]}\n".encode())
    raise TimeoutError(f"nothing new on the terminal for {LIMIT_SECONDS} s after: {shown!r}")
