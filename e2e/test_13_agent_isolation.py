"""What an agent and its token must not do: go on as two, apply what is rewound or unsigned, see others' things.

A tampered program is refused in agent/pkg/verify (`TestATamperedFileIsNotGenuine`) and backend/tests/releases, a
replayed rotation in backend/tests/endpoints (`test_a_rotation_is_signed_fresh_and_used_once`).
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest

from harness.git import Git
from harness.machine import CronMachine
from harness.narrative import Story
from harness.processes import end
from harness.stack import Stack
from harness.tenant import Tenant, client, with_password
from harness.waiting import eventually

Register = Callable[[str], Tenant]
SPEC = {
    "schedule": "17 4 * * *",
    "command": "/bin/true",
    "selector": {"matchLabels": {"role": "e2e"}},
}
MANIFEST = """\
apiVersion: crontopus/v1
kind: Job
metadata:
  name: pushed
spec:
  schedule: "18 4 * * *"
  command: /bin/true
  selector: {matchLabels: {role: e2e}}
"""


@pytest.fixture
def tenant(register: Register) -> Tenant:
    return register("isolated")


class Agent:
    """crontopus-agent of the machine's user, with a state directory of its own."""

    def __init__(self, machine: CronMachine, name: str = "state") -> None:
        self.machine = machine
        self.state = machine.home / name
        self.options: list[str] = []

    def __call__(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = self.machine.programs / "crontopus-agent"
        return self.machine.run(program, command, "--state-dir", str(self.state), *self.options, *arguments)

    def enrol(self, tenant: Tenant) -> None:
        done = self(
            "enroll",
            *("--server", tenant.base_url, "--token", tenant.enrollment_token(), "--label", "role=e2e"),
        )
        assert done.returncode == 0, done.stderr

    @property
    def token(self) -> str:
        return str(json.loads((self.state / "token.json").read_text(encoding="utf-8"))["token"])

    @contextmanager
    def running(self) -> Iterator[None]:
        process = self.machine.spawn(
            self.machine.programs / "crontopus-agent",
            *("run", "--state-dir", str(self.state), *self.options),
        )
        try:
            yield
        finally:
            end(process)

    def clone(self, name: str) -> "Agent":
        copy = Agent(self.machine, name)
        done = self.machine.run("cp", "-a", str(self.state), str(copy.state))
        assert done.returncode == 0, done.stderr
        return copy


def state(tenant: Tenant) -> str:
    (only,) = tenant.items("/endpoints")
    return str(only["state"])


def test_a_cloned_state_directory(machine: CronMachine, tenant: Tenant, story: Story) -> None:
    """Two copies of an enrolled machine: both are locked, say so and what to do; after the unlock one goes on"""
    first = Agent(machine)
    first.enrol(tenant)
    twin = first.clone("twin")
    with first.running():
        eventually(lambda: state(tenant) == "online", "the first is online", within=20)
        with twin.running():
            eventually(lambda: state(tenant) == "locked", "the endpoint is locked", within=30)
            for copy in (first, twin):
                said = eventually(
                    lambda copy=copy: (text := copy("status").stdout) and "REFUSED" in text and text,
                    "status says so",
                    within=60,
                )
                assert "endpoint_locked" in said
                assert "unlock it in the console" in said
            (line,) = [line for line in said.splitlines() if line.startswith("REFUSED")]
            story.tell(line)
    (endpoint,) = tenant.items("/endpoints")
    unlocked = tenant.api.post(f"/endpoints/{endpoint['id']}/unlock")
    assert unlocked.status_code == 200, unlocked.text
    with twin.running():
        eventually(lambda: state(tenant) == "online", "the copy that came first goes on", within=30)
        with first.running():
            eventually(
                lambda: "endpoint_superseded" in first("status").stdout, "the other does not", within=60
            )
        assert state(tenant) == "online"


def test_a_rewound_branch(machine: CronMachine, tenant: Tenant, stack: Stack, git: Git, story: Story) -> None:
    """A branch that lost the applied commit changes nothing on the machine, until a person accepts it"""
    agent = Agent(machine)
    agent.enrol(tenant)
    tenant.put_job("default/hello", SPEC)
    checkout = git.clone(tenant.authenticated_clone_url, "repository")
    before = checkout("rev-parse", "HEAD").strip()
    tenant.put_job("default/hello", SPEC | {"schedule": "19 5 * * *"})
    assert agent("apply").returncode == 0
    crontab = machine.crontab
    assert "19 5 * * *" in crontab

    (bare,) = (path for path in stack.data_dir.rglob(f"job-manifests-{tenant.slug}.git"))
    done = git.run("--git-dir", str(bare), "update-ref", "refs/heads/main", before)
    assert done.returncode == 0, done.stderr
    refused = agent("apply")
    story.tell(refused.stderr.strip()[:300])
    assert refused.returncode == 1
    assert "rewound" in refused.stderr
    assert "--accept-rewind" in refused.stderr
    assert machine.crontab == crontab
    assert agent("apply", "--accept-rewind").returncode == 0
    assert "17 4 * * *" in machine.crontab


def test_an_unsigned_commit(machine: CronMachine, tenant: Tenant, git: Git, story: Story) -> None:
    """With `requireSigned: service` a pushed commit waits for one that the service signed"""
    agent = Agent(machine)
    agent.enrol(tenant)
    policy = machine.write("policy.yaml", "requireSigned: service\n")
    config = machine.write("agent.yaml", f"policy_file: {policy}\n")
    agent.options = ["--config", str(config)]
    tenant.put_job("default/hello", SPEC)
    assert agent("apply").returncode == 0
    crontab = machine.crontab
    assert "17 4 * * *" in crontab

    checkout = git.clone(tenant.authenticated_clone_url, "repository")
    checkout.write("default/pushed.yaml", MANIFEST)
    checkout.commit("Unsigned")
    pushed = checkout.push()
    assert pushed.returncode == 0, pushed.stderr
    refused = agent("apply")
    story.tell(refused.stderr.strip()[:300])
    assert refused.returncode == 1
    assert "not signed" in refused.stderr
    assert machine.crontab == crontab

    tenant.put_job("default/hello", SPEC | {"schedule": "19 5 * * *"})
    done = agent("apply")
    assert done.returncode == 0, done.stderr
    assert {"18 4 * * *", "19 5 * * *"} == {
        entry[:10] for entry in machine.crontab.splitlines() if "crontopus-run" in entry
    }


def test_an_endpoints_token(
    machine: CronMachine, tenant: Tenant, register: Register, git: Git, story: Story
) -> None:
    """An endpoint's token reads its tenant's repository and itself, and reports about its own instances"""
    tenant.put_job("default/hello", SPEC)
    agent, other = Agent(machine), Agent(machine, "other")
    agent.enrol(tenant)
    assert agent("apply").returncode == 0
    stranger = register("stranger")
    other.enrol(stranger)
    own, foreign = client(tenant.base_url, agent.token), client(tenant.base_url, other.token)

    assert own.get("/endpoints/self").status_code == 200
    assert own.get("/jobs").status_code == 200, "what it may clone, it may read"
    for path in ("/runs", "/incidents", "/enrollment-tokens", "/audit-log"):
        assert own.get(path).status_code == 403, path
    assert [job["name"] for job in foreign.get("/jobs").json()["items"]] == [], "the stranger's has none"
    assert git.run("ls-remote", with_password(tenant.clone_url, agent.token)).returncode == 0
    assert git.run("ls-remote", with_password(stranger.clone_url, agent.token)).returncode != 0
    pushed = git.clone(with_password(tenant.clone_url, agent.token), "read-only")
    pushed.write("default/pushed.yaml", MANIFEST)
    pushed.commit("An endpoint writes nothing")
    assert pushed.push().returncode != 0

    instance = tenant.instance("default/hello")
    job = tenant.get("/jobs/default/hello")["id"]
    ours, theirs = check_in(own, instance["id"], job), check_in(foreign, instance["id"], job)
    story.tell(f"a check-in about its own instance: {ours}; about another's: {theirs}")
    assert ours in {"accepted", "journaled"}
    assert theirs == "rejected"


def check_in(api: httpx.Client, instance: str, job: str) -> str:
    item = {
        "event_id": str(uuid4()),
        "run_id": str(uuid4()),
        "job_id": job,
        "instance_id": instance,
        "kind": "start",
        "at": datetime.now(UTC).isoformat(),
    }
    answer = api.post("/check-ins/batch", json={"items": [item]})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["results"][0]["status"])
