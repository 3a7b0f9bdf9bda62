"""The API in a process of its own, as it is run: to be attacked, and its memory looked at."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from crontopus_api.server.waiting import wait_until

_CONSOLE = "CRONTOPUS_CONSOLE_DIR"
BACKEND = Path(__file__).resolve().parents[2]


@dataclass
class ApiProcess:
    url: str
    pid: int
    log: Path

    def memory_mb(self, name: str = "VmRSS") -> float:
        """`VmHWM` is the most it ever had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split(f"{name}:")[1].split()[0]) / 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextmanager
def api_process(
    database_url: str, directory: Path, app: str = "api", **settings: str
) -> Iterator[ApiProcess]:
    """`app`: or `ingest`. `settings`: CRONTOPUS_… by name. Nothing is limited unless they say so."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    unlimited = {"API_LIMIT": "off", "LOGIN_LIMIT": "off", "AUTH_LIMIT": "off", "CHECK_IN_LIMIT": "0"}
    configured = {
        "DATABASE_URL": database_url,
        "DATA_DIR": str(directory / "data"),
        "PORT": str(port),
        "LOG_LEVEL": "warning",
        **unlimited,
        **settings,
    }
    environment = {
        name: value
        for name, value in os.environ.items()
        if name == _CONSOLE or not name.startswith("CRONTOPUS_")
    }
    environment |= {f"CRONTOPUS_{name}": value for name, value in configured.items()}
    environment["PYTHONPATH"] = os.pathsep.join([str(BACKEND), environment.get("PYTHONPATH", "")])
    log = directory / "api.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "crontopus_api.server.serving", app],
            env=environment,
            stdout=out,
            stderr=out,
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
        return False

    try:
        assert wait_until(answers, timeout_seconds=60), log.read_text()
        yield ApiProcess(url, process.pid, log)
    finally:
        process.terminate()
        process.wait(30)
