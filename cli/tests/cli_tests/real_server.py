"""The real service, `crontopus-server up`, for what the fake server cannot know: the API's shapes and rules."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli_tests.running import LIMIT_SECONDS, Crontopus

PASSWORD = "correct horse battery"
READY = "Ctrl-C stops everything"


def start(directory: Path, port: int) -> subprocess.Popen[str]:
    """`crontopus-server up`, once it says that it is ready."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CRONTOPUS_")}
    environment |= {"CRONTOPUS_DATA_DIR": str(directory / "data"), "CRONTOPUS_PORT": str(port)}
    # All tests' people come from one address.
    environment |= {"CRONTOPUS_AUTH_LIMIT": "off", "CRONTOPUS_API_LIMIT": "off"}
    environment |= {"CRONTOPUS_OUTBOUND_ALLOW": "127.0.0.0/8"}  # webhooks of tests are received here
    process = subprocess.Popen(
        [sys.executable, "-m", "crontopus_api.server", "up"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=directory,
    )
    said: list[str] = []
    answered = threading.Event()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if READY in line:
                answered.set()
        answered.set()

    threading.Thread(target=listen, daemon=True).start()
    if not answered.wait(LIMIT_SECONDS) or not any(READY in line for line in said):
        process.kill()
        pytest.fail("the server did not start:\n" + "".join(said))
    return process


def register(address: str, name: str) -> str:
    """A new person with a tenant of that name; a token for it."""
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "mode": "token"}
    answer = httpx.post(f"{address}/api/v1/auth/register", json=body, trust_env=False)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


class Ok:
    """Runs a command that must succeed; its data, or what it prints."""

    def __init__(self, crontopus: Crontopus) -> None:
        self._crontopus = crontopus

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        result = self._crontopus(*arguments, stdin=stdin)
        assert result.code == 0, result.err
        return result.out

    def data(self, *arguments: str, stdin: str = "") -> Any:
        return json.loads(self(*arguments, "-o", "json", stdin=stdin))
