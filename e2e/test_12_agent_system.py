"""Root's agent: jobs of two users in the real /etc/cron.d, a policy above Git, jobs of others adopted."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.git import Git
from harness.machine import USER, why_not_here
from harness.narrative import Story
from harness.processes import end
from harness.system import SECOND, SystemMachine
from harness.tenant import Tenant
from harness.waiting import eventually

POLICY = """\
noRoot: true
allowedUsers: [{USER}, {SECOND}]
"""
FOREIGN = f"""\
# somebody's own
PATH=/usr/bin:/bin
TARGET=s3://bucket

*/7 * * * * {USER} /bin/echo "nightly" --password=hunter2-hunter2
41 3 * * * {SECOND} /bin/echo stays
"""
SAYS_WHO = 'printf "%s:%s:" "$(id -un)" "$(id -u)"; pwd'


@pytest.fixture
def machine(scratch: Path, programs: Path, evidence: dict[str, Callable[[], str]]) -> Iterator[SystemMachine]:
    if reason := why_not_here():
        pytest.skip(reason)
    root = Path(tempfile.mkdtemp(prefix="system-", dir=scratch))
    root.chmod(0o755)
    created = SystemMachine(root, programs)
    evidence["the agent"] = lambda: created.log.read_text(errors="replace") if created.log.exists() else ""
    created.start()
    yield created
    created.stop()


@pytest.fixture
def tenant(register: Callable[[str], Tenant]) -> Tenant:
    return register("system")


@pytest.fixture
def agent(machine: SystemMachine, tenant: Tenant) -> Iterator[subprocess.Popen[bytes]]:
    machine.configure(tenant.base_url, POLICY.format(USER=USER, SECOND=SECOND))
    (machine.drop_ins / "somebody").write_text(FOREIGN, encoding="utf-8")
    done = machine.agent("enroll", "--token", tenant.enrollment_token())
    assert done.returncode == 0, done.stderr
    running = machine.spawn_agent()
    eventually(
        lambda: [each for each in tenant.items("/endpoints") if each["state"] == "online"],
        "the agent is online",
        within=15,
    )
    yield running
    end(running)


def spec(user: str | None, schedule: str = "* * * * *") -> dict[str, Any]:
    return {
        "schedule": schedule,
        "command": "/bin/sh",
        "args": ["-c", SAYS_WHO],
        "selector": {"matchLabels": {"role": "e2e"}},
        **({"user": user} if user else {}),
    }


def condition(tenant: Tenant, address: str) -> dict[str, Any]:
    found: dict[str, Any] = tenant.instance(address)["condition"]
    return found


def succeeded(tenant: Tenant, address: str) -> dict[str, Any] | None:
    return next((run for run in tenant.runs(address) if run["state"] == "success"), None)


@pytest.mark.usefixtures("agent")
def test_jobs_of_two_users(machine: SystemMachine, tenant: Tenant, story: Story) -> None:
    """Root's agent: cron starts each job as its user, the runs arrive, and the machine's policy refuses root"""
    tenant.put_job("default/one", spec(USER))
    tenant.put_job("default/two", spec(SECOND))
    tenant.put_job("default/rooted", spec("root"))
    tenant.put_job("default/nobody-said", spec(None))  # the agent's own user, which is root

    for user, job in ((USER, "one"), (SECOND, "two")):
        text = eventually(lambda user=user: machine.drop_in(user), f"{user}'s file in cron.d", within=15)
        (line,) = [line for line in text.splitlines() if "crontopus-run" in line]
        assert line.split()[5] == user
        assert f"{machine.state}/users/{machine.uid(user)}" in line
        assert (machine.drop_ins / f"crontopus-{user}").stat().st_mode & 0o777 == 0o644
        story.tell(f"{job}: {line[:110]}")

    for job in ("default/rooted", "default/nobody-said"):
        refused = eventually(
            lambda job=job: (c := condition(tenant, job)) and c["reason"] == "EndpointPolicy" and c,
            f"{job} is refused",
            within=30,
        )
        story.tell(f"{job}: {refused['type']} {refused['reason']}: {refused['message']}")
    assert machine.drop_in("root") == ""

    for user, job in ((USER, "default/one"), (SECOND, "default/two")):
        run = eventually(
            lambda job=job: succeeded(tenant, job), f"cron starts {job} and its run arrives", within=90
        )
        said = tenant.api.get(f"/runs/{run['id']}/output").text
        story.tell(f"{job} said {said!r}")
        assert said.startswith(f"{user}:{machine.uid(user)}:")
        area = machine.state / "users" / str(machine.uid(user))
        assert area.stat().st_uid == machine.uid(user)
        assert area.stat().st_mode & 0o777 == 0o700

    tenant.delete_job("default/one")
    eventually(lambda: "crontopus-run" not in machine.drop_in(USER), "the first user's entry goes", within=15)
    assert "crontopus-run" in machine.drop_in(SECOND)
    assert (machine.drop_ins / "somebody").read_text(encoding="utf-8") == FOREIGN
    doctor = json.loads(machine.agent("doctor", "--json").stdout)
    story.tell("; ".join(f"{f['what']}: {f['text']}" for f in doctor["findings"] if not f["ok"]))
    assert {f["what"] for f in doctor["findings"] if not f["ok"]} == set()


def discovered(tenant: Tenant, word: str) -> dict[str, Any] | None:
    """The job under `discovered/` whose command has the word in it."""
    return next((job for job in tenant.items("/jobs", namespace="discovered") if word in job["name"]), None)


@pytest.mark.usefixtures("agent")
def test_found_adopted_undone(machine: SystemMachine, tenant: Tenant, git: Git, story: Story) -> None:
    """An entry of somebody's is found, appears under discovered/, is adopted in one write, and comes back"""
    job = eventually(lambda: discovered(tenant, "echo-nightly"), "the entry under discovered/", within=60)
    checkout = git.clone(tenant.authenticated_clone_url, "repository")
    text = (checkout.directory / f"discovered/{job['name']}.yaml").read_text(encoding="utf-8")
    story.tell(f"discovered/{job['name']}")
    assert "hunter2" not in text
    assert "[REDACTED]" in text
    assert "enabled: false" in text
    assert machine.drop_in(USER) == "", "what was found is not applied"

    adopted = tenant.api.post(
        f"/jobs/discovered/{job['name']}/adopt",
        json={
            "namespace": "default",
            "name": "nightly",
            "command": '/bin/echo "nightly" --password=hunter2-hunter2',
        },
    )
    assert adopted.status_code == 200, adopted.text
    eventually(lambda: "crontopus-run" in machine.drop_in(USER), "our entry", within=20)
    theirs = (machine.drop_ins / "somebody").read_text(encoding="utf-8")
    story.tell("our entry is there, theirs is gone")
    assert "nightly" not in theirs
    assert theirs == "".join(line for line in FOREIGN.splitlines(keepends=True) if "nightly" not in line), (
        "the rest is byte for byte what it was"
    )

    annotations = tenant.get("/jobs/default/nightly")["manifest"]["metadata"]["annotations"]
    undone = machine.agent("adopt", "--undo", annotations["crontopus.dev/adopts"])
    assert undone.returncode == 0, undone.stderr
    # Two files cannot be written in one step: theirs comes back first, so that the job is never missing.
    eventually(
        lambda: "nightly" in (machine.drop_ins / "somebody").read_text(encoding="utf-8"),
        "their entry comes back",
        within=20,
    )
    eventually(lambda: "crontopus-run" not in machine.drop_in(USER), "ours goes", within=5)
    assert (machine.drop_ins / "somebody").read_text(encoding="utf-8") == FOREIGN
    story.tell("undone: their file is byte for byte what it was")
    eventually(
        lambda: condition(tenant, "default/nightly")["reason"] == "AdoptionUndone", "it is told", within=60
    )
    assert "AdoptionUndone" in machine.agent("status").stdout
