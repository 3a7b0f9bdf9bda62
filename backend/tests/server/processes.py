"""Starting `crontopus-server` as a person would, and looking at what runs."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from crontopus_api.server.waiting import wait_until

HERE = Path(__file__).parent
BACKEND = HERE.parents[1]
TIMEOUT_SECONDS = 40


def eventually(condition: object, what: str, *, seconds: float = TIMEOUT_SECONDS) -> None:
    """Waits for a real condition, bounded; fails with `what`."""
    assert callable(condition)
    assert wait_until(lambda: bool(condition()), timeout_seconds=seconds), f"never: {what}"


def alive(pid: int) -> bool:
    """Running, and not merely waiting to be reaped."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def processes_with(text: str) -> set[int]:
    """Process ids whose command line or environment holds the text (not this process)."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            lines = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            if text.encode() in lines and int(entry.name) != os.getpid() and alive(int(entry.name)):
                found.add(int(entry.name))
    return found


class Server:
    """A `crontopus-server` process whose API and worker are the stand-ins of `stand_in.py`."""

    def __init__(
        self, arguments: list[str], environment: Mapping[str, str], log: Path, user: str | None
    ) -> None:
        self._log = log
        command = [python_for(user), str(HERE / "stand_in.py"), *arguments]
        identity = {"user": user, "group": _group(user), "extra_groups": []} if user else {}
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd="/",
                **identity,
            )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def says(self, text: str) -> None:
        eventually(lambda: text in self.output or self.process.poll() is not None, text)
        assert text in self.output, self.output

    def ends(self) -> int:
        return self.process.wait(TIMEOUT_SECONDS)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def pid_of(self, name: str) -> int:
        """Process id that the stand-in `name` printed last."""
        eventually(lambda: self._pids(name), f"{name} tells its process id")
        return self._pids(name)[-1]

    def _pids(self, name: str) -> list[int]:
        return [int(line.split()[-1]) for line in self.output.splitlines() if f"{name} │ pid " in line]


def _group(user: str | None) -> int | None:
    return pwd.getpwnam(user).pw_gid if user else None


def python_for(user: str | None) -> str:
    """A Python that the user may run: one below another's home directory is out of reach."""
    if user is None:
        return sys.executable
    for candidate in (sys.executable, f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"):
        with suppress(OSError):
            if (
                subprocess.run([candidate, "-c", ""], user=user, group=_group(user), check=False).returncode
                == 0
            ):
                return candidate
    pytest.skip(f"no Python {sys.version_info[:2]} that user {user} can run")


def environment_for(data: Path, port: int, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
    kept["PYTHONPATH"] = os.pathsep.join([str(BACKEND), sysconfig.get_path("purelib")])
    kept |= {"HOME": str(data), "CRONTOPUS_DATA_DIR": str(data), "CRONTOPUS_PORT": str(port)}
    # Tests are in a hurry, and many people at one address.
    kept |= {f"CRONTOPUS_{name}_LIMIT": "off" for name in ("API", "AUTH", "ENROLL", "GIT")}
    kept["CRONTOPUS_CHECK_IN_LIMIT"] = "0"
    return kept | more


@contextmanager
def scratch(user: str | None = None) -> Iterator[Path]:
    """A temporary directory that belongs to the user."""
    made = Path(tempfile.mkdtemp(prefix="crontopus-scratch-"))
    if user is not None:
        shutil.chown(made, user)
    try:
        yield made
    finally:
        shutil.rmtree(made)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


ORDINARY = "nobody"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
AS_ROOT_AND_AS_USER = [
    pytest.param(None, id="as-myself"),
    pytest.param(ORDINARY, id="as-an-ordinary-user", marks=needs_root),
]
