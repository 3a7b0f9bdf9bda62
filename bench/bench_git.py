"""A change of a job through the API, beside what a `git commit` costs on this machine.

The API's change is an intent row, a commit by compare-and-swap with fsync, its projection and the answer,
through the ASGI app with real PostgreSQL (fsync on) and a real bare repository.
"""

import asyncio
import subprocess
import tempfile
import time
from pathlib import Path

from backend.tests.platform import running_platform

from bench.report import milliseconds, tell
from crontopus_api.kit import log
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings

CHANGES = 200
LIMITS = {"p50_ms": 40, "p99_ms": 150}


def _git_commits(directory: Path) -> list[float]:
    """The baseline: `git add` and `git commit` of one small file."""

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", directory, *arguments], check=True, capture_output=True)

    directory.mkdir()
    git("init", "-q")
    git("config", "user.name", "bench")
    git("config", "user.email", "bench@example.org")
    times = []
    for index in range(CHANGES):
        (directory / "job.yaml").write_text(f"minute: {index}\n", encoding="utf-8")
        began = time.perf_counter()
        git("add", "job.yaml")
        git("commit", "-q", "-m", "Change it")
        times.append(time.perf_counter() - began)
    return times


async def _api_changes(database_url: str, data_dir: Path) -> list[float]:
    async with running_platform(database_url, data_dir) as platform:
        person = await platform.register("bench")
        await person.put_job("default/warm-up")
        times = []
        for index in range(CHANGES):
            began = time.perf_counter()
            await person.put_job(f"default/job-{index % 50}", schedule=f"{index % 60} {index // 60} * * *")
            times.append(time.perf_counter() - began)
        return times


def main() -> None:
    log.configure("warning", "console")
    with tempfile.TemporaryDirectory(prefix="crontopus-bench-") as scratch:
        root = Path(scratch)
        settings = Settings(data_dir=root / "data")
        with ensure_database(settings) as url:
            migrate(url)
            changes = asyncio.run(_api_changes(url, root / "data"))
        commits = _git_commits(root / "clone")
    rows = {"change through the API": milliseconds(changes), "git add + git commit": milliseconds(commits)}
    measured = rows["change through the API"]
    tell(
        "git",
        rows,
        [f"{name} {measured[name]} > {limit}" for name, limit in LIMITS.items() if measured[name] > limit],
    )


if __name__ == "__main__":
    main()
