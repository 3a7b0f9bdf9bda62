"""The commands people know from the product's own description."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from harness.binaries import build
from harness.machine import CronMachine
from harness.narrative import Story
from harness.paths import BACKEND, CLI, SCRIPTS
from harness.ports import free_port
from harness.processes import end, plain_environment, run
from harness.tenant import Tenant
from harness.waiting import Stopwatch, eventually

PATIENCE_SECONDS = 90


def test_cli_main(home: Path, story: Story) -> None:
    """cd cli && python main.py --help"""
    done = run([sys.executable, "main.py", "--help"], env=plain_environment(home), cwd=CLI)
    assert done.returncode == 0, done.stderr
    for command in ("login", "jobs", "runs"):
        assert command in done.stdout
    story.tell(done.stdout.strip().splitlines()[0].strip())


@contextmanager
def uvicorn(environment: dict[str, str], port: int, log: Path) -> Iterator[str]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            [SCRIPTS / "uvicorn", "crontopus_api.main:app", "--port", str(port)],
            env=environment,
            cwd=BACKEND,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)


def ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_alembic_and_uvicorn(
    scratch: Path, home: Path, story: Story, evidence: dict[str, Callable[[], str]]
) -> None:
    """cd backend && alembic upgrade head && uvicorn crontopus_api.main:app"""
    environment = plain_environment(home, CRONTOPUS_DATA_DIR=str(scratch / "by-hand"))
    done = run([SCRIPTS / "alembic", "upgrade", "head"], env=environment, cwd=BACKEND, timeout=120)
    assert done.returncode == 0, done.stderr

    log = home / "uvicorn.log"
    evidence["uvicorn"] = lambda: log.read_text(errors="replace") if log.exists() else ""
    with uvicorn(environment, free_port(), log) as url:
        eventually(lambda: ready(url), "uvicorn answers", within=PATIENCE_SECONDS)
        tenant = Tenant.register(url, "by-hand")
        assert tenant.put_job("default/hello", {"schedule": "every 15m"})["state"] == "new"
        assert httpx.get(f"{url}/api/openapi.json", trust_env=False).json()["info"]["title"] == "Crontopus"
    story.tell("migrated, served, and a job was made")


def test_agent_built_and_run_with_config(
    machine: CronMachine, home: Path, register: Callable[[str], Tenant], story: Story
) -> None:
    """cd agent && go build … && ./build/crontopus-agent --config config.yaml"""
    tenant = register("config")
    watch = Stopwatch()
    built = build(home / "build")
    story.took("go build", watch.seconds)
    machine.adopt(built)
    config = machine.write(
        "config.yaml",
        f"server: {tenant.base_url}\nenrollment_token: {tenant.enrollment_token()}\nlabels: {{role: db}}\n",
    )
    running = machine.spawn(machine.programs / "crontopus-agent", "--config", config)
    try:
        (endpoint,) = eventually(
            lambda: [each for each in tenant.items("/endpoints") if each["state"] == "online"],
            "the agent enrols itself and is online",
            within=20,
        )
        story.tell(f"online: {endpoint['hostname']}, labels {endpoint['labels']}")
        assert endpoint["labels"] == {"role": "db"}
    finally:
        assert end(running) == 0, "SIGTERM ends it well"
