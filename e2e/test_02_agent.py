"""The main job: a definition in Git becomes an entry in a real crontab, cron fires it, its run is recorded."""

import base64
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.browser import Person
from harness.cli import Crontopus
from harness.git import Git
from harness.machine import CronMachine
from harness.narrative import Story
from harness.processes import end
from harness.tenant import Tenant
from harness.waiting import Stopwatch, eventually

JOB = "default/hello"
FOREIGN = """\
# m h  dom mon dow   command — nächtliche Sicherung
MAILTO="ops@example.com"
PATH=/usr/bin:/bin

0 2 1 1 * /bin/echo "100%% done at $(date +\\%H:\\%M)" # €, 日本語, ✓
\t30 4 1 1 *\t/usr/bin/true   \n@yearly /bin/true
# ends here, after an empty line

"""
SPEC = {
    "schedule": "* * * * *",
    "command": "/bin/sh",
    "args": ["-c", "echo copied 42 rows; echo to stderr >&2; exit 3"],
    "selector": {"matchLabels": {"role": "e2e"}},
}


def ours(crontab: str) -> list[str]:
    return [line for line in crontab.splitlines() if "crontopus-run" in line]


def without_ours(crontab: str) -> str:
    """The crontab less every line that names us: what must be as it was, byte for byte."""
    return "".join(line for line in crontab.splitlines(keepends=True) if "crontopus" not in line.lower())


@pytest.fixture
def tenant(register: Callable[[str], Tenant]) -> Tenant:
    return register("agent")


@pytest.fixture
def agent(
    machine: CronMachine, tenant: Tenant, cli: Callable[..., Crontopus]
) -> Iterator[subprocess.Popen[bytes]]:
    """An enrolled agent that runs beside cron on a machine whose crontab was there before it."""
    machine.crontab = FOREIGN
    program = machine.programs / "crontopus-agent"
    created = cli(tenant.token).json("enroll-token", "create")
    done = machine.run(
        program, "enroll", "--server", tenant.base_url, "--token", created["secret"], "--label", "role=e2e"
    )
    assert done.returncode == 0, done.stderr
    running = machine.spawn(program, "run")
    eventually(
        lambda: [each for each in tenant.items("/endpoints") if each["state"] == "online"],
        "the agent is online",
        within=15,
    )
    yield running
    end(running)


def fired(tenant: Tenant, before: int = 0) -> dict[str, Any]:
    """The run of the job that ended after so many others."""
    done = [run for run in tenant.runs(JOB) if run["state"] == "failure"]
    assert len(done) > before
    return done[-1 - before]


@pytest.mark.usefixtures("agent")
def test_from_git_to_cron_and_back(
    machine: CronMachine,
    tenant: Tenant,
    git: Git,
    person: Person,
    cli: Callable[..., Crontopus],
    story: Story,
) -> None:
    """A job in Git → the real crontab → cron fires it → run, output, console, CLI; edit; delete"""
    assert machine.crontab == FOREIGN

    watch = Stopwatch()
    job = tenant.put_job(JOB, SPEC)
    committed = watch.seconds
    eventually(lambda: ours(machine.crontab), "an entry in the crontab", within=10)
    story.took("PUT → committed", committed)
    story.took("commit → crontab", watch.seconds - committed, limit=5)
    (entry,) = ours(machine.crontab)
    story.tell(f"crontab: {entry[:100]}")
    assert job["id"] in entry
    assert "copied" not in machine.crontab, "the user's text never reaches the crontab"
    assert without_ours(machine.crontab) == FOREIGN

    person.sign_in(tenant)
    page = person.visit(f"/jobs/{JOB}")
    page.get_by_role("heading", name="hello").wait_for()
    page.evaluate("window.neverReloaded = true")
    # None, unless the minute has ended meanwhile.
    before = page.get_by_text("exit 3").count()

    run = eventually(lambda: fired(tenant, before), "cron fires the job", within=75)
    check_run(tenant, run, story)
    watch = Stopwatch()
    page.get_by_text("exit 3").nth(before).wait_for(timeout=5000)
    story.took("run recorded → on the open page in the console", watch.seconds, limit=5)
    assert page.evaluate("window.neverReloaded"), "without a reload"
    assert person.complaints == []

    listed = cli(tenant.token).json("runs", "list", "--job", JOB)
    assert run["id"] in [each["id"] for each in listed]
    story.tell("`crontopus runs list --output json` shows it as well")

    edit_and_delete(machine, tenant, git, story)


def check_run(tenant: Tenant, run: dict[str, Any], story: Story) -> None:
    late = time.time() - time.time() // 60 * 60
    story.tell(
        f"cron fired it; {late:.0f} s after the minute it is in GET /runs: {run['state']}, exit code"
        f" {run['exit_code']}, {run['duration_seconds']} s"
    )
    assert run["exit_code"] == 3
    assert run["source"] == "agent"
    assert run["endpoint"] is not None
    assert run["commit"] is not None
    assert 0 < run["duration_seconds"] < 30
    output = tenant.api.get(f"/runs/{run['id']}/output").text
    story.tell(f"output: {output!r}")
    assert sorted(output.splitlines()) == ["copied 42 rows", "to stderr"]


def edit_and_delete(machine: CronMachine, tenant: Tenant, git: Git, story: Story) -> None:
    checkout = git.clone(tenant.authenticated_clone_url, "repository")
    file = checkout.directory / f"{JOB}.yaml"
    checkout.write(f"{JOB}.yaml", file.read_text().replace("* * * * *", "17 5 * * *"))
    checkout.commit("At a quarter past five")
    pushed = checkout.push()
    watch = Stopwatch()
    assert pushed.returncode == 0, pushed.stderr
    eventually(lambda: "17 5 * * *" in ours(machine.crontab)[0], "the new time in the crontab", within=10)
    story.took("git push → crontab", watch.seconds, limit=5)
    assert len(ours(machine.crontab)) == 1
    assert without_ours(machine.crontab) == FOREIGN

    tenant.delete_job(JOB)
    watch = Stopwatch()
    eventually(lambda: not ours(machine.crontab), "our entry is gone", within=10)
    story.took("delete → our entry gone", watch.seconds, limit=5)
    assert without_ours(machine.crontab) == FOREIGN
    assert machine.crontab == FOREIGN, "nothing of ours is left"
    story.tell("the foreign crontab is byte for byte what it was")


def test_hand_edit_is_healed(
    agent: subprocess.Popen[bytes], machine: CronMachine, tenant: Tenant, story: Story
) -> None:
    """Somebody's own crontab lines survive, whatever they add while the agent works"""
    tenant.put_job(JOB, SPEC)
    eventually(lambda: ours(machine.crontab), "an entry in the crontab", within=10)
    added = "5 5 1 1 * /bin/echo ünlü\n"
    machine.crontab = machine.crontab + added

    tenant.put_job(JOB, SPEC | {"schedule": "18 6 * * *"})
    eventually(lambda: "18 6 * * *" in ours(machine.crontab)[0], "the change", within=10)

    assert without_ours(machine.crontab) == FOREIGN + added
    end(agent)
    assert len(ours(machine.crontab)) == 1, "the scheduler goes on without the agent"
    story.tell("foreign lines kept; the entry stays when the agent stops")


def test_invalid_token_is_not_enrolled(machine: CronMachine, tenant: Tenant, story: Story) -> None:
    """The agent that is not enrolled says what to do"""
    done = machine.run(machine.programs / "crontopus-agent", "run")
    story.tell(done.stderr.strip())
    assert done.returncode != 0
    assert "enroll" in done.stderr
    secret = base64.urlsafe_b64encode(b"0" * 24).decode()
    refused = machine.run(
        machine.programs / "crontopus-agent",
        *("enroll", "--server", tenant.base_url, "--token", f"ctp_enr_{secret}"),
    )
    story.tell(refused.stderr.strip())
    assert refused.returncode != 0
    assert len(refused.stderr.strip().splitlines()) == 1
