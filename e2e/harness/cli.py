"""The `crontopus` command, with a home directory of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

from harness.paths import SCRIPTS
from harness.processes import plain_environment, run


class Crontopus:
    def __init__(self, home: Path, server: str, token: str | None = None) -> None:
        more = {"CRONTOPUS_TOKEN": token} if token else {}
        self._home = home
        self.environment = plain_environment(
            home,
            XDG_CONFIG_HOME=str(home / "config"),
            XDG_DATA_HOME=str(home / "share"),
            CRONTOPUS_SERVER=server,
            **more,
        )

    def __call__(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return run([SCRIPTS / "crontopus", *arguments], env=self.environment, cwd=self._home, stdin=stdin)

    def ok(self, *arguments: str, stdin: str | None = None) -> str:
        done = self(*arguments, stdin=stdin)
        assert done.returncode == 0, f"crontopus {' '.join(arguments)}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--output", "json"))
