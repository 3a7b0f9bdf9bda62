"""The agent's two programs here: what crontopus-run adds to a command, how the agent reconciles, ships and idles.

crontopus-run is measured in turn with the bare command, and with `chronic` and `runitor` where they are installed.
Agent, API, repository and PostgreSQL (fsync on) are real, and share this machine; only the crontab is a file of the
benchmark's own, so that nobody's is touched. The baseline of shipping is the same check-ins sent straight to the API.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import uvloop
from backend.tests.platform import Person, Platform, running_platform

from bench.bench_git import Client, Rows, listener, projected, served
from bench.report import cpu_seconds, milliseconds, tell
from crontopus_api.kit import log
from crontopus_api.kit.heap import freeze_startup
from crontopus_api.kit.ids import uuid7
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import ensure_database
from crontopus_api.settings import Settings

AGENT = Path(__file__).parent.parent / "agent"
BATCH = 500
PAGE = os.sysconf("SC_PAGE_SIZE")

MANIFEST = """\
apiVersion: crontopus/v1
kind: Job
metadata: {{name: {name}, namespace: bench}}
spec:
  schedule: "{minute} {hour} * * *"
  command: /bin/true
  timeout: {minutes}m
  selector: {{matchLabels: {{role: db}}}}
"""

CRONTAB = """\
#!/bin/sh
case $1 in
    -l) cat "$BENCH_CRONTAB" 2>/dev/null || {{ echo "no crontab for bench" >&2; exit 1; }} ;;
    -T) exit 0 ;;
    -) cat > "$BENCH_CRONTAB.new" && mv "$BENCH_CRONTAB.new" "$BENCH_CRONTAB" ;;
    *) cp "$1" "$BENCH_CRONTAB" ;;
esac
""".replace("{{", "{").replace("}}", "}")


@dataclass
class Endpoint:
    """An agent's programs, state directory and crontab."""

    scratch: Path

    def prepare(self) -> None:
        flags = ["-trimpath", "-ldflags", "-s -w"]
        packages = ["./cmd/crontopus-agent", "./cmd/crontopus-run"]
        environment = {**os.environ, "CGO_ENABLED": "0"}
        subprocess.run(
            ["go", "build", *flags, "-o", f"{self.scratch}/bin/", *packages],
            cwd=AGENT,
            env=environment,
            check=True,
        )
        fake = self.scratch / "bin" / "crontab"
        fake.write_text(CRONTAB, encoding="utf-8")
        fake.chmod(0o755)

    @property
    def state(self) -> Path:
        return self.scratch / "state"

    @property
    def runner(self) -> str:
        return f"{self.scratch}/bin/crontopus-run"

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.scratch}/bin:{os.environ['PATH']}",
            "HOME": str(self.scratch),
            "BENCH_CRONTAB": f"{self.scratch}/crontab",
        }

    async def start(self, command: str, *arguments: str) -> asyncio.subprocess.Process:
        words = [command, "--state-dir", str(self.state), *arguments]
        return await asyncio.create_subprocess_exec(
            f"{self.scratch}/bin/crontopus-agent",
            *words,
            env=self.environment(),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )

    async def timed(self, command: str, *arguments: str) -> float:
        began = time.perf_counter()
        process = await self.start(command, *arguments)
        _, complaint = await process.communicate()
        if process.returncode:
            raise SystemExit(f"crontopus-agent {command}: {complaint.decode()}")
        return time.perf_counter() - began

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        process = await self.start("run")
        try:
            yield process.pid
        finally:
            process.terminate()
            await process.communicate()

    def reconciled(self) -> float:
        """Seconds of the last round between repository and scheduler, as the agent itself tells them."""
        status = json.loads((self.state / "status.json").read_text(encoding="utf-8"))
        return float(status["took"]["reconcile_seconds"])

    def entries(self) -> int:
        text = (self.scratch / "crontab").read_text(encoding="utf-8")
        return text.count("crontopus-run")

    def jobs(self) -> list[dict[str, str]]:
        return [
            json.loads(file.read_text(encoding="utf-8")) for file in sorted((self.state / "jobs").iterdir())
        ]


def write_manifests(work: Path, jobs: range, minutes: int) -> None:
    folder = work / "bench"
    folder.mkdir(exist_ok=True)
    for number in jobs:
        name = f"job-{number}"
        text = MANIFEST.format(name=name, minute=number % 60, hour=number // 60 % 24, minutes=minutes)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


@dataclass
class Repository:
    client: Client
    work: Path
    platform: Platform
    person: Person

    async def push(self, jobs: range, minutes: int, total: int) -> None:
        write_manifests(self.work, jobs, minutes)
        await self.client.git("add", "-A", cwd=self.work)
        await self.client.git("commit", "-q", "-m", f"{len(jobs)} jobs", cwd=self.work)
        await self.client.git("push", "-q", self.client.url, "main", cwd=self.work)
        await projected(self.platform, self.person, total)


@dataclass
class Rounds:
    """Of each: the reconciling alone, and the whole program with its start, the fetch and the server's answers."""

    endpoint: Endpoint
    reconcile: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    async def apply(self) -> None:
        self.whole.append(await self.endpoint.timed("apply"))
        self.reconcile.append(self.endpoint.reconciled())

    def rows(self, what: str) -> Rows:
        return {
            f"reconcile {what}": milliseconds(self.reconcile),
            f"… whole `apply`, {what}": milliseconds(self.whole),
        }


async def reconciling(endpoint: Endpoint, repository: Repository, options: argparse.Namespace) -> Rows:
    """Each by a fresh `crontopus-agent apply`, which has everything still to read; a running agent remembers."""
    await repository.push(range(options.jobs), 1, options.jobs)
    first, idle, changed = (Rounds(endpoint) for _ in range(3))
    await first.apply()
    if endpoint.entries() != options.jobs:
        raise SystemExit(f"{endpoint.entries()} entries for {options.jobs} jobs")
    for _ in range(options.applies):
        await idle.apply()
    for number in range(options.applies):
        await repository.push(range(100), 2 + number, options.jobs)
        await changed.apply()
    jobs = f"{options.jobs} jobs"
    return (
        first.rows(f"{jobs}, all new")
        | idle.rows(f"{jobs}, none changed")
        | changed.rows(f"{jobs}, 100 changed")
    )


async def spent(*command: str) -> float:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    await process.wait()
    return time.perf_counter() - began


async def wrapping(endpoint: Endpoint, options: argparse.Namespace) -> Rows:
    """Each in turn, so that a busy moment is everybody's."""
    job = endpoint.jobs()[0]["job_id"]
    commands = {
        "true": ["/bin/true"],
        "crontopus-run true": [endpoint.runner, "--state-dir", str(endpoint.state), job],
    }
    if shutil.which("chronic"):
        commands["chronic true"] = ["chronic", "/bin/true"]
    if shutil.which("runitor"):
        nowhere = ["-api-url", "http://127.0.0.1:1", "-api-retries", "0", "-uuid", str(uuid4())]
        commands["runitor true, its server away"] = ["runitor", *nowhere, "--", "/bin/true"]
    times: dict[str, list[float]] = {label: [] for label in commands}
    for _ in range(options.runs):
        for label, command in commands.items():
            times[label].append(await spent(*command))
    rows = {label: milliseconds(found) for label, found in times.items()}
    # What one run adds: the difference of neighbours, not of medians that other moments made.
    pairs = zip(times["crontopus-run true"], times["true"], strict=True)
    rows["crontopus-run adds"] = milliseconds([ours - bare for ours, bare in pairs])
    return rows


def records(jobs: list[dict[str, str]], count: int) -> list[list[dict[str, object]]]:
    """Of each run its start and its end, as crontopus-run writes them."""
    runs: list[list[dict[str, object]]] = []
    for number in range(count // 2):
        job = jobs[number % len(jobs)]
        same: dict[str, object] = {
            "run_id": str(uuid7()),
            "job_id": job["job_id"],
            "instance_id": job["instance_id"],
        }
        at = datetime.now(UTC).isoformat()
        start = {"event_id": str(uuid7()), **same, "kind": "start", "at": at}
        end = {
            "event_id": str(uuid7()),
            **same,
            "kind": "finish",
            "at": at,
            "outcome": "success",
            "exit_code": 0,
        }
        runs.append([start, end])
    return runs


async def straight(endpoint: Endpoint, token: str, url: str, count: int) -> float:
    items = [record for run in records(endpoint.jobs(), count) for record in run]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as api:
        began = time.perf_counter()
        for first in range(0, len(items), BATCH):
            body = {"items": items[first : first + BATCH]}
            answer = await api.post(f"{url}/api/v1/check-ins/batch", json=body)
            if answer.is_error:
                raise SystemExit(f"check-ins were refused: {answer.text}")
            told = {result["status"] for result in answer.json()["results"]}
            if told != {"accepted"}:
                raise SystemExit(f"check-ins were {told}")
        return time.perf_counter() - began


def fill_spool(endpoint: Endpoint, count: int) -> None:
    spool = endpoint.state / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    for run in records(endpoint.jobs(), count):
        text = "".join(json.dumps(record) + "\n" for record in run)
        file = spool / f"{run[0]['run_id']}.jsonl"
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)


async def emptied(endpoint: Endpoint) -> None:
    spool = endpoint.state / "spool"
    async with asyncio.timeout(120):
        while any(file.suffix == ".jsonl" for file in spool.iterdir()):  # noqa: ASYNC110 - another process empties it
            await asyncio.sleep(0.01)


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * PAGE / 1_000_000


async def shipping(endpoint: Endpoint, token: str, url: str, options: argparse.Namespace) -> Rows:
    """From the agent's start, with all records in its spool, to an empty spool; then it idles."""
    baseline = await straight(endpoint, token, url, options.records)
    fill_spool(endpoint, options.records)
    began = time.perf_counter()
    async with endpoint.running() as pid:
        await emptied(endpoint)
        shipped = time.perf_counter() - began
        await asyncio.sleep(options.settle)
        before = cpu_seconds(pid)
        await asyncio.sleep(options.idle)
        percent = 100 * (cpu_seconds(pid) - before) / options.idle
        resident = resident_mb(pid)
        # A round of its own accord, with what it remembers of the rounds before.
        remembered = endpoint.reconciled()
    return {
        f"{options.records} spooled records shipped": {"seconds": round(shipped, 2)},
        "… sent straight to the API": {"seconds": round(baseline, 2)},
        f"reconcile {options.jobs} jobs, none changed, in the running agent": milliseconds([remembered]),
        f"idle agent, {options.jobs} jobs": {"mb": round(resident, 1), "cpu_percent": round(percent, 3)},
    }


async def measure(database_url: str, scratch: Path, options: argparse.Namespace) -> Rows:
    endpoint = Endpoint(scratch)
    await asyncio.to_thread(endpoint.prepare)
    bound = listener()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with (
        running_platform(
            database_url, scratch / "data", public_url=url, check_in_limit=0, api_limit="off"
        ) as platform,
        served(platform, bound),
    ):
        freeze_startup()  # as the API does
        person = await platform.register("bench")
        answer = await person.api.post("/api/v1/enrollment-tokens", json={})
        await endpoint.timed(
            "enroll", "--server", url, "--token", answer.json()["secret"], "--label", "role=db"
        )
        remote = url.replace("//", f"//x:{person.token}@") + "/git/crontopus/job-manifests-bench.git"
        client = Client(scratch, remote)
        await client.git("clone", "-q", remote, scratch / "work")
        repository = Repository(client, scratch / "work", platform, person)
        rows = await reconciling(endpoint, repository, options)
        rows |= await wrapping(endpoint, options)
        return rows | await shipping(endpoint, endpoint_token(endpoint), url, options)


def endpoint_token(endpoint: Endpoint) -> str:
    return str(json.loads((endpoint.state / "token.json").read_text(encoding="utf-8"))["token"])


def shortfalls(rows: Rows, options: argparse.Namespace) -> list[str]:
    limits = {
        ("crontopus-run adds", "p50_ms"): 10,
        (f"reconcile {options.jobs} jobs, none changed", "p50_ms"): 150,
        (f"… whole `apply`, {options.jobs} jobs, 100 changed", "p50_ms"): 1000,
        (f"{options.records} spooled records shipped", "seconds"): 10,
        (f"idle agent, {options.jobs} jobs", "mb"): 30,
        (f"idle agent, {options.jobs} jobs", "cpu_percent"): 0.1,
    }
    return [
        f"{row} {column} {rows[row][column]} > {limit}"
        for (row, column), limit in limits.items()
        if rows[row][column] > limit
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/run agent", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 when short")
    parser.add_argument("--jobs", type=int, default=1000, help="on the endpoint")
    parser.add_argument("--applies", type=int, default=7, help="of each kind")
    parser.add_argument("--runs", type=int, default=200, help="of each wrapper")
    parser.add_argument("--records", type=int, default=10_000, help="in the spool")
    parser.add_argument("--settle", type=float, default=10, help="seconds before the agent counts as idle")
    parser.add_argument("--idle", type=float, default=60, help="seconds of idling measured")
    options = parser.parse_args()
    log.configure("warning", "console")
    with tempfile.TemporaryDirectory(prefix="crontopus-bench-") as scratch:
        settings = Settings(data_dir=Path(scratch) / "data")
        with ensure_database(settings, owner=True) as url:
            migrate(url)
            # The loop that the API runs on.
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                rows = runner.run(measure(url, Path(scratch), options))
    tell("agent", rows, shortfalls(rows, options))


if __name__ == "__main__":
    main()
