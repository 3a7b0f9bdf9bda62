"""Processes of ours: ended surely, looked at through /proc."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

STOP_SECONDS = 30


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    timeout: float = 60,
    stdin: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself; its output as text."""
    return subprocess.run(
        command,
        env=env,
        cwd=cwd,
        timeout=timeout,
        input=stdin or "",
        capture_output=True,
        text=True,
        check=False,
    )


def end(process: subprocess.Popen[bytes]) -> int:
    """Asks the process to stop, and kills it when it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait(STOP_SECONDS)


def children(pid: int) -> list[int]:
    """Every process below `pid`, itself left out."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        if parent(int(entry.name)) == pid:
            found += [int(entry.name), *children(int(entry.name))]
    return found


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Running, and not merely waiting to be reaped."""
    return _stat(pid)[0] not in {"Z", ""}


def parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _stat(pid: int) -> tuple[str, str]:
    """(state, parent) of a process; ("", "0") when it is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        state, above, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return state, above
    return "", "0"


def command(pid: int) -> list[str]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    return []


def name(pid: int) -> str:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def plain_environment(home: Path, **more: str) -> dict[str, str]:
    """What a newly logged-in person has, and nothing of the developer's own settings."""
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return kept | {"HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"} | more


def one_clear_line(text: str) -> str:
    """`text`, which must be what a newcomer can read: short, and no traceback or panic."""
    said = text.strip()
    lines = said.splitlines()
    assert lines, "it says nothing"
    assert len(lines) <= 3, f"more than a line and its hint:\n{said}"
    for word in ("Traceback", "panic:", "goroutine ", 'File "'):
        assert word not in said, said
    return said
