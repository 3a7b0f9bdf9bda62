"""The real platform: `crontopus-server up` in a directory and on a port of its own."""

import subprocess
from pathlib import Path
from typing import Self

import httpx

from harness import processes
from harness.paths import SCRIPTS
from harness.ports import free_port
from harness.waiting import Stopwatch, eventually

READY_SECONDS = 120
_COMMANDS = ("crontopus_api.server", "crontopus_api.server.serving")
"""What a child is started as, and what one that serves becomes."""


class Stack:
    """API, worker, embedded PostgreSQL and embedded Git, with the built console."""

    def __init__(self, directory: Path, *, smtp_port: int | None = None, **environment: str) -> None:
        self.directory = directory
        self.data_dir = directory / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = directory / "up.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = processes.plain_environment(
            directory,
            CRONTOPUS_DATA_DIR=str(self.data_dir),
            CRONTOPUS_PORT=str(self.port),
            # The tests are many people at one address, in a hurry, and read few of their mails.
            CRONTOPUS_EMAIL_VERIFICATION="off",
            CRONTOPUS_API_LIMIT="off",
            CRONTOPUS_AUTH_LIMIT="off",
            CRONTOPUS_GIT_LIMIT="off",
            CRONTOPUS_CHECK_IN_LIMIT="0",
            **({"CRONTOPUS_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}"} if smtp_port else {}),
            **environment,
        )

    def start(self) -> float:
        """Returns when /readyz says so: seconds it took."""
        assert self._process is None, "already started"
        watch = Stopwatch()
        self._process = self.spawn()
        self.await_ready()
        return watch.seconds

    def spawn(self, **more: str) -> subprocess.Popen[bytes]:
        """Another `up` with the same settings, changed by `more`."""
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [SCRIPTS / "crontopus-server", "up"],
                env=self.environment | more,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,
            )

    def await_ready(self) -> None:
        def ready() -> bool:
            if self._process is not None and (code := self._process.poll()) is not None:
                raise RuntimeError(f"`crontopus-server up` ended with {code}:\n{self.log}")
            try:
                return httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False).status_code == 200
            except httpx.TransportError:
                return False

        eventually(ready, "the platform is ready", within=READY_SECONDS)

    def stop(self) -> None:
        """Stops everything, and leaves nothing behind even when `up` was killed or is broken."""
        if self._process is None:
            return
        below = processes.children(self._process.pid)
        processes.end(self._process)
        self._process = None
        for pid in below:
            processes.kill(pid)
        self.kill_postgres()

    def kill_up(self) -> None:
        """kill -9 of the supervisor; the kernel takes API and worker with it, PostgreSQL stays."""
        assert self._process is not None
        below = processes.children(self._process.pid)
        self._process.kill()
        self._process.wait()
        self._process = None
        postgres = self.postgres_pid
        eventually(
            lambda: not any(processes.alive(pid) for pid in below if not self._is_postgres(pid, postgres)),
            "API and worker die with `up`",
            within=10,
        )

    def kill_child(self, name: str) -> int:
        """kill -9 of the `api` or `worker` process: its process id."""
        pid = self.child(name)
        processes.kill(pid)
        return pid

    def child(self, name: str) -> int:
        """Process id of the running `api` or `worker`."""
        return eventually(lambda: self._child(name), f"{name} runs", within=40)

    def _child(self, name: str) -> int:
        assert self._process is not None
        for pid in processes.children(self._process.pid):
            if processes.command(pid)[-2:] in [[command, name] for command in _COMMANDS]:
                return pid
        return 0

    def kill_postgres(self) -> None:
        if pid := self.postgres_pid:
            processes.kill(pid)
            eventually(lambda: not processes.alive(pid), "PostgreSQL is gone", within=10)

    @property
    def postgres_pid(self) -> int:
        """Process id of the embedded PostgreSQL, 0 when none runs."""
        for file in self.data_dir.glob("postgres/**/postmaster.pid"):
            pid = int(file.read_text().split()[0])
            if processes.alive(pid) and self._is_postgres(pid, pid):
                return pid
        return 0

    def _is_postgres(self, pid: int, postmaster: int) -> bool:
        return processes.name(pid) == "postgres" and postmaster in {pid, processes.parent(pid)}

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
