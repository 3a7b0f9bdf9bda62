"""Git through Crontopus, beside git alone on this machine: changes, pushes, clones.

A change through the API is an intent row, a commit by compare-and-swap with fsync, its projection and the
answer. A push is what the real `git push` waits for: the pack, the judgement of every manifest, the projection.
All with real PostgreSQL (fsync on) and a real bare repository; baselines are the same command against `git`
alone, or `git http-backend` behind the smallest server there is, measured in turn.
"""

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
import uvloop
from backend.tests.platform import Person, Platform, running_platform

from bench.baseline import bare_backend
from bench.report import milliseconds, tell
from crontopus_api.kit import log
from crontopus_api.kit.heap import freeze_startup
from crontopus_api.manifests import ManifestInvalid, parse_document
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings

REPOSITORY = "job-manifests-bench.git"
NAMESPACES = 20
Rows = dict[str, dict[str, float]]

MANIFEST = """\
apiVersion: crontopus/v1
kind: Job
metadata:
  name: {name}
  labels: {{team: team-{team}, tier: batch}}
  annotations:
    runbook: https://runbooks.example.org/{name}
spec:
  schedule: "{minute} {hour} * * *"
  timezone: Europe/London
  command: /opt/jobs/run
  args: ["--job={name}", "--verbose"]
  env:
    TARGET: s3://bucket/{name}
    LEVEL: info
  selector: {{matchLabels: {{role: db}}}}
  timeout: 1h
  grace: 10m
  retry: {{attempts: 3, backoff: exponential, delay: 30s}}
  concurrency: forbid
"""


@dataclass
class Client:
    """`git` of somebody far away, who knows one remote."""

    home: Path
    url: str

    async def git(self, *arguments: object, cwd: Path | None = None) -> None:
        process = await asyncio.create_subprocess_exec(
            "git",
            *map(str, arguments),
            cwd=cwd or self.home,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_TERMINAL_PROMPT": "0",
                "GIT_CONFIG_COUNT": "4",
                **_config("user.name=bench", "user.email=b@example.org", "http.postBuffer=512m", "gc.auto=0"),
            },
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, complaint = await process.communicate()
        if process.returncode:
            raise SystemExit(f"git {' '.join(map(str, arguments))}: {complaint.decode()}")

    async def timed(self, *arguments: object, cwd: Path | None = None) -> float:
        began = time.perf_counter()
        await self.git(*arguments, cwd=cwd)
        return time.perf_counter() - began


def _config(*pairs: str) -> dict[str, str]:
    env: dict[str, str] = {}
    for number, pair in enumerate(pairs):
        key, _, value = pair.partition("=")
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return env


def git_commits(directory: Path, changes: int) -> list[float]:
    """The baseline of a change: `git add` and `git commit` of one small file."""

    def git(*arguments: str) -> None:
        subprocess.run(["git", "-C", directory, *arguments], check=True, capture_output=True)

    directory.mkdir()
    git("init", "-q")
    git("config", "user.name", "bench")
    git("config", "user.email", "bench@example.org")
    times = []
    for index in range(changes):
        (directory / "job.yaml").write_text(f"minute: {index}\n", encoding="utf-8")
        began = time.perf_counter()
        git("add", "job.yaml")
        git("commit", "-q", "-m", "Change it")
        times.append(time.perf_counter() - began)
    return times


async def api_changes(person: Person, changes: int) -> list[float]:
    await person.put_job("default/warm-up")
    times = []
    for index in range(changes):
        began = time.perf_counter()
        await person.put_job(f"default/job-{index % 50}", schedule=f"{index % 60} {index // 60 % 24} * * *")
        times.append(time.perf_counter() - began)
    return times


def write_manifests(work: Path, jobs: int) -> None:
    for number in range(jobs):
        folder = work / f"ns-{number % NAMESPACES}"
        folder.mkdir(exist_ok=True)
        name = f"job-{number}"
        text = MANIFEST.format(name=name, team=number % 7, minute=number % 60, hour=number % 24)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


async def projected(platform: Platform, person: Person, jobs: int) -> None:
    """Return when the database says what Git says."""
    async with asyncio.timeout(600):
        while True:
            async with platform.services.database.tenant(person.tenant_id) as session:
                connection = await session.connection()
                row = await connection.exec_driver_sql(
                    "SELECT projected_commit, (SELECT count(*) FROM jobs WHERE deleted_at IS NULL) FROM repositories"
                )
                commit, count = list(row.one())
            if commit == await platform.services.git.head("bench"):
                if count < jobs:
                    raise SystemExit(f"only {count} of {jobs} jobs were projected")
                return
            await asyncio.sleep(0.005)


class Remotes:
    """The same work tree's two remotes: Crontopus, and git alone."""

    def __init__(self, client: Client, work: Path, platform: Platform, person: Person) -> None:
        self.client, self.work, self._platform, self._person = client, work, platform, person

    async def push(self, jobs: int) -> tuple[float, float]:
        """Seconds until the push is projected in Crontopus, and until it is pushed to git alone."""
        began = time.perf_counter()
        await self.client.git("push", "-q", self.client.url, "main", cwd=self.work)
        await projected(self._platform, self._person, jobs)
        ours = time.perf_counter() - began
        return ours, await self.client.timed("push", "-q", "bare", "main", cwd=self.work)


async def pushes_and_clones(
    platform: Platform, person: Person, url: str, scratch: Path, options: argparse.Namespace
) -> Rows:
    client = Client(scratch, url)
    work = scratch / "work"
    await client.git("clone", "-q", url, work)
    alone = scratch / "bare" / REPOSITORY
    await client.git("clone", "-q", "--bare", work, alone)
    await client.git("config", "http.receivepack", "true", cwd=alone)
    with bare_backend(alone.parent) as bare:
        await client.git("remote", "add", "bare", f"{bare}/{REPOSITORY}", cwd=work)
        remotes = Remotes(client, work, platform, person)
        return {
            **await large_push(remotes, options),
            **await clones(client, platform, scratch, options),
            **await small_pushes(remotes, options),
        }


async def large_push(remotes: Remotes, options: argparse.Namespace) -> Rows:
    write_manifests(remotes.work, options.jobs)
    await remotes.client.git("add", "-A", cwd=remotes.work)
    await remotes.client.git("commit", "-q", "-m", "Many jobs", cwd=remotes.work)
    ours, bare = await remotes.push(options.jobs)
    return {
        f"push of {options.jobs} manifests": {"p50_ms": round(ours * 1000)},
        "… to git alone": {"p50_ms": round(bare * 1000)},
    }


async def small_pushes(remotes: Remotes, options: argparse.Namespace) -> Rows:
    ours, bare = [], []
    for number in range(options.pushes):
        file = remotes.work / "ns-0" / "job-0.yaml"
        file.write_text(file.read_text(encoding="utf-8") + f"# {number}\n", encoding="utf-8")
        await remotes.client.git("commit", "-q", "-a", "-m", "Change one", cwd=remotes.work)
        mine, others = await remotes.push(options.jobs)
        ours.append(mine)
        bare.append(others)
    label = f"push of one file beside {options.jobs}"
    return {label: milliseconds(ours), f"{label}, git alone": milliseconds(bare)}


async def clones(client: Client, platform: Platform, scratch: Path, options: argparse.Namespace) -> Rows:
    """Of the same directory on the disk, in turn."""
    times: dict[str, list[float]] = {"clone --depth 1": [], "clone --depth 1, git alone": []}
    with bare_backend(platform.services.git.root / "crontopus") as bare:
        for _ in range(options.clones):
            for label, url in zip(times, (client.url, f"{bare}/{REPOSITORY}"), strict=True):
                times[label].append(await client.timed("clone", "-q", "--depth", "1", url, "clone"))
                shutil.rmtree(scratch / "clone")
    return {label: milliseconds(found) for label, found in times.items()}


def laughs() -> dict[str, float]:
    lines = ["a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    data = "\n".join(lines).encode()
    times = []
    for _ in range(20):
        began = time.perf_counter()
        try:
            parse_document("default/x.yaml", data)
        except ManifestInvalid:
            times.append(time.perf_counter() - began)
    return milliseconds(times)


def listener() -> socket.socket:
    # A socket that says it is TCP: asyncio leaves Nagle's algorithm on for others, which costs 40 ms here and there.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    return listening


@asynccontextmanager
async def served(platform: Platform, bound: socket.socket | None = None) -> AsyncIterator[int]:
    with bound or listener() as listening:
        server = uvicorn.Server(uvicorn.Config(platform.app, lifespan="off", log_level="warning"))
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


async def measure(database_url: str, scratch: Path, options: argparse.Namespace) -> Rows:
    async with running_platform(database_url, scratch / "data") as platform, served(platform) as port:
        freeze_startup()  # as the API does
        person = await platform.register("bench")
        rows = {"change through the API": milliseconds(await api_changes(person, options.changes))}
        commits = await asyncio.to_thread(git_commits, scratch / "commits", min(options.changes, 200))
        rows["git add + git commit"] = milliseconds(commits)
        rows["billion laughs refused"] = laughs()
        url = f"http://x:{person.token}@127.0.0.1:{port}/git/crontopus/{REPOSITORY}"
        return rows | await pushes_and_clones(platform, person, url, scratch, options)


def shortfalls(rows: Rows, options: argparse.Namespace) -> list[str]:
    limits = {
        ("change through the API", "p50_ms"): 40,
        ("change through the API", "p99_ms"): 150,
        (f"push of {options.jobs} manifests", "p50_ms"): 15_000,
        (f"push of one file beside {options.jobs}", "p50_ms"): 400,
        ("billion laughs refused", "p50_ms"): 50,
    }
    found = [
        f"{row} {column} {rows[row][column]} > {limit}"
        for (row, column), limit in limits.items()
        if rows[row][column] > limit
    ]
    ratio = rows["clone --depth 1"]["p50_ms"] / rows["clone --depth 1, git alone"]["p50_ms"]
    rows["clone --depth 1"]["ratio"] = round(ratio, 2)
    return [*found, *([f"clone ratio {ratio:.2f} > 1.5"] if ratio > 1.5 else [])]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run git", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when short")
    parser.add_argument("--changes", type=int, default=500, help="through the API")
    parser.add_argument("--jobs", type=int, default=10_000, help="in the large push")
    parser.add_argument("--pushes", type=int, default=10, help="of one file")
    parser.add_argument("--clones", type=int, default=7, help="of each kind")
    options = parser.parse_args()
    log.configure("warning", "console")
    with tempfile.TemporaryDirectory(prefix="crontopus-bench-") as scratch:
        settings = Settings(data_dir=Path(scratch) / "data")
        with ensure_database(settings, owner=True) as url:
            migrate(url)
            # The loop that the API runs on.
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                rows = runner.run(measure(url, Path(scratch), options))
    tell("git", rows, shortfalls(rows, options))


if __name__ == "__main__":
    main()
