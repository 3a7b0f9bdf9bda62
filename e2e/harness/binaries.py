"""The agent's two programs, built when they are missing or older than their sources."""

import os
import shutil
import subprocess
from pathlib import Path

from harness.paths import AGENT, ROOT

NAMES = ("crontopus-agent", "crontopus-run")
BUILD_SECONDS = 300


def build(output: Path | None = None) -> Path:
    """Directory of the programs: agent/build, as `scripts/bootstrap agent` leaves it, or `output`."""
    directory = output or AGENT / "build"
    if output is None and _fresh(directory):
        return directory
    environment = {**os.environ, "CGO_ENABLED": "0"}
    environment["PATH"] += f":{ROOT / '.tools/go/go/bin'}"
    commands = [f"./cmd/{name}" for name in NAMES]
    subprocess.run(
        ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", f"{directory}/", *commands],
        cwd=AGENT,
        env=environment,
        check=True,
        timeout=BUILD_SECONDS,
    )
    return directory


def _fresh(directory: Path) -> bool:
    built = [directory / name for name in NAMES]
    if not all(path.is_file() for path in built):
        return False
    sources = [*AGENT.rglob("*.go"), AGENT / "go.mod", AGENT / "go.sum"]
    newest = max(path.stat().st_mtime for path in sources if path.exists())
    return min(path.stat().st_mtime for path in built) >= newest


def copy_for_everybody(destination: Path) -> Path:
    """The programs where any user may run them: the repository may lie below root's home."""
    destination.mkdir(parents=True)
    destination.chmod(0o755)
    for name in NAMES:
        shutil.copy(build() / name, destination / name)
        (destination / name).chmod(0o755)
    return destination
