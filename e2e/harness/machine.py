"""A machine of its own for cron and the agent: a mount namespace with private crontabs and a scratch user.

The machine that runs the tests keeps its /etc/crontab, /etc/cron.d, /var/spool/cron and /etc/passwd: inside, other
files lie over them. Only root can make such a namespace.
"""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from harness.processes import end, plain_environment, run
from harness.waiting import eventually

USER = "crontopus-e2e"
_PROGRAMS = ("cron", "crontab", "unshare", "nsenter", "setpriv", "mount")
_SCRIPT = """set -e
mount -t tmpfs none /run
mount --bind {root}/cron.d /etc/cron.d
mount --bind {root}/crontab /etc/crontab
mount --bind {root}/spool /var/spool/cron/crontabs
for name in passwd group shadow; do mount --bind {root}/$name /etc/$name; done
exec cron -f
"""


def why_not_here() -> str:
    """Why no such machine can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "only root can give cron a mount namespace of its own"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [name for name in _PROGRAMS if shutil.which(name, path=path) is None]
    return f"not installed: {', '.join(missing)}" if missing else ""


class CronMachine:
    def __init__(self, root: Path, programs: Path) -> None:
        """`programs`: a directory that the scratch user can run agent and runner from."""
        self.root = root
        self.programs = programs
        self.home = root / "home"
        self.log = root / "agent.log"
        self._uid = _unused_id()
        self._cron: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._lay_out()
        environment = plain_environment(self.root)
        environment["PATH"] += ":/usr/sbin:/sbin"
        self._cron = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", _SCRIPT.format(root=self.root)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        eventually(self._cron_runs, "cron runs in its namespace", within=20)

    def stop(self) -> None:
        if self._cron is not None:
            end(self._cron)

    def _cron_runs(self) -> bool:
        assert self._cron is not None
        if (code := self._cron.poll()) is not None:
            raise RuntimeError(f"cron ended with {code}")
        return Path(f"/proc/{self._cron.pid}/comm").read_text().strip() == "cron"

    def _lay_out(self) -> None:
        for name in ("cron.d", "spool", "home"):
            (self.root / name).mkdir(parents=True)
        (self.root / "crontab").touch()
        shutil.chown(self.root / "spool", "root", "crontab")
        (self.root / "spool").chmod(0o1730)
        os.chown(self.home, self._uid, self._uid)
        self.home.chmod(0o700)
        self._extend("passwd", f"{USER}:x:{self._uid}:{self._uid}::{self.home}:/bin/sh\n", 0o644)
        self._extend("group", f"{USER}:x:{self._uid}:\n", 0o644)
        self._extend("shadow", f"{USER}:!:19000:0:99999:7:::\n", 0o600)

    def _extend(self, name: str, line: str, mode: int) -> None:
        copy = self.root / name
        copy.write_text(Path("/etc", name).read_text() + line)
        copy.chmod(mode)

    def write(self, name: str, text: str) -> Path:
        """A file of the scratch user's."""
        path = self.home / name
        path.write_text(text)
        path.chmod(0o600)
        os.chown(path, self._uid, self._uid)
        return path

    def adopt(self, programs: Path) -> None:
        """Use these programs from now on: they are copied to where the scratch user may run them."""
        self.programs = self.root / "programs"
        shutil.copytree(programs, self.programs)
        self.programs.chmod(0o755)

    def command(self, *arguments: str | Path) -> list[str]:
        """`arguments` as the scratch user would run them, inside the namespace."""
        assert self._cron is not None
        inside = ["nsenter", f"--target={self._cron.pid}", "--mount", "--"]
        user = ["setpriv", f"--reuid={self._uid}", f"--regid={self._uid}", "--init-groups", "--"]
        return [*inside, *user, *map(str, arguments)]

    @property
    def environment(self) -> dict[str, str]:
        return plain_environment(self.home, USER=USER, LOGNAME=USER)

    def run(
        self, *arguments: str | Path, stdin: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return run(self.command(*arguments), env=self.environment | environment, stdin=stdin)

    def spawn(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """A process that keeps running; its output goes to the machine's log."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command(*arguments),
                env=self.environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def crontab(self) -> str:
        """What `crontab -l` prints, byte for byte."""
        done = subprocess.run(
            self.command("crontab", "-l"), env=self.environment, capture_output=True, check=False, timeout=30
        )
        if done.returncode != 0:
            assert b"no crontab for" in done.stderr, done.stderr
        return done.stdout.decode()

    @crontab.setter
    def crontab(self, text: str) -> None:
        done = self.run("crontab", "-", stdin=text)
        assert done.returncode == 0, done.stderr


def _unused_id() -> int:
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    return next(number for number in range(59_800, 60_000) if number not in taken)
