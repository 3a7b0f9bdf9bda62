"""What deploy-app-platform.sh is tried in: a clone of its own, and programs that stand in for `docker` and `doctl`.

They write down how they were called and answer what the test tells them to.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
SCRIPT = "infra/app-platform/deploy-app-platform.sh"
TOOLS = ("bash", "env", "git", "sed", "awk", "grep", "tr", "sort", "cat", "dirname")
# Isolated and without site-packages: it starts in half the time.
STAND_IN = f"""#!{sys.executable} -IS
import json, os, sys
from pathlib import Path
here = Path(__file__).resolve().parent
call = [Path(sys.argv[0]).name, *sys.argv[1:]]
said = sys.stdin.read() if "-" in call else ""
calls = here / "calls"
before = [json.loads(line)["call"] for line in calls.read_text().splitlines()]
with calls.open("a") as log:
    log.write(json.dumps({{"call": call, "said": said}}) + "\\n")
for start, answers in json.loads((here / "answers").read_text()).items():
    if " ".join(call).startswith(start):
        times = sum(" ".join(each).startswith(start) for each in before)
        out, code = answers[min(times, len(answers) - 1)]
        print(out, end="")
        sys.exit(code)
sys.exit(f"nobody said what to answer to {{call}}")
"""
OK = ["", 0]
REGISTRY = "registry.digitalocean.com/acme"
APP = "5f0c9a52-0000-4000-8000-000000000001"
SECRETS = {
    "CRONTOPUS_DATABASE_URL": "postgresql://crontopus_service:pw@db.internal:25060/crontopus?sslmode=require",
    "CRONTOPUS_SECRET_KEY": """q"uo\\te: # `touch x` $(touch x) & ' *""",
    "CRONTOPUS_METRICS_TOKEN": "m" * 40,
    "CRONTOPUS_FORGEJO_TOKEN": "f" * 40,
}
VALUES = {
    "DEPLOY_REGION": "fra",
    "DEPLOY_DOMAIN": "crontopus.example.com",
    "CRONTOPUS_PING_HOST": "ping.example.com",
    "DEPLOY_POSTGRES_CLUSTER": "pg-main",
    "DEPLOY_VALKEY_CLUSTER": "valkey-main",
    "CRONTOPUS_FORGEJO_URL": "https://git.example.com",
}


class World:
    """A clone, stand-ins on the PATH, and what they answer."""

    def __init__(self, directory: Path) -> None:
        self.clone, self._bin = directory / "clone", directory / "bin"
        (self.clone / "infra/app-platform").mkdir(parents=True)
        for file in (ROOT / "infra/app-platform").iterdir():
            shutil.copy(file, self.clone / "infra/app-platform")
        self._bin.mkdir()
        for tool in TOOLS:
            (self._bin / tool).symlink_to(str(shutil.which(tool)))
        for program in ("docker", "doctl"):
            (self._bin / program).write_text(STAND_IN)
            (self._bin / program).chmod(0o755)
        (self._bin / "calls").touch()
        self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "all of it")
        self.tag = self.git("rev-parse", "HEAD").strip()
        self.values = VALUES | SECRETS
        self.answers: dict[str, list[list[Any]]] = {
            "docker info": [OK],
            "docker build": [OK],
            "docker push": [OK],
            "doctl account get": [["ops@example.com\n", 0]],
            "doctl registry get": [[f"{REGISTRY}\n", 0]],
            "doctl registry login": [OK],
            "doctl registry repository list-tags": [["", 1]],
            "doctl apps list ": [["other crontopus-dev-2\n", 0], [f"{APP}    crontopus\n", 0]],
            "doctl apps spec validate": [OK],
            "doctl apps propose": [OK],
            "doctl apps create": [OK],
            "doctl apps update": [OK],
            f"doctl apps spec get {APP}": [["name: crontopus\n", 0]],
            f"doctl apps get {APP}": [["https://crontopus-x.ondigitalocean.app\n", 0]],
        }

    def exists(self, *, spec: str = "name: crontopus\n") -> None:
        """The app was deployed before."""
        self.answers["doctl apps list "] = [[f"{APP}    crontopus\n", 0]]
        self.answers[f"doctl apps spec get {APP}"] = [[spec, 0]]

    def without(self, program: str) -> None:
        (self._bin / program).unlink()

    def git(self, *arguments: str) -> str:
        person = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *person, *arguments], cwd=self.clone, check=True, capture_output=True, text=True
        )
        return done.stdout

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        (self._bin / "answers").write_text(json.dumps(self.answers))
        environment = {"PATH": str(self._bin), "HOME": os.environ["HOME"], **self.values}
        return subprocess.run(
            ["bash", SCRIPT, *arguments], cwd=self.clone, env=environment, capture_output=True, text=True, check=False
        )  # fmt: skip

    @property
    def calls(self) -> list[str]:
        return [" ".join(each["call"]) for each in self._log]

    def said(self, start: str) -> dict[str, Any]:
        """The spec that went into the call."""
        [text] = [each["said"] for each in self._log if " ".join(each["call"]).startswith(start)]
        return dict(yaml.safe_load(text))

    @property
    def _log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self._bin / "calls").read_text().splitlines()]

    def changed(self) -> list[str]:
        """What was done that somebody else notices."""
        reading = ("info", "account", "list", "get", "validate", "propose")
        return [call for call in self.calls if not any(f" {word}" in call for word in reading)]
