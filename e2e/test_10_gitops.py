"""The pull-request flow with a real git client: a branch is planned, a policy refuses, a bad merge is rolled back."""

from collections.abc import Callable

import pytest

from harness.git import Checkout, Git
from harness.narrative import Story
from harness.tenant import Tenant
from harness.waiting import Stopwatch

Register = Callable[[str], Tenant]
JOB = """\
apiVersion: crontopus/v1
kind: Job
metadata:
  name: {name}
spec:
  schedule: "{schedule}"
"""
POLICY = """\
apiVersion: crontopus/v1
kind: Policy
metadata:
  name: not-too-often
spec:
  enforcement: enforce
  rules:
    minimumInterval: 10m
"""


@pytest.fixture
def tenant(register: Register) -> Tenant:
    tenant = register("reviewer")
    tenant.put_job("default/hello", {"schedule": "0 3 * * *"})
    return tenant


@pytest.fixture
def checkout(tenant: Tenant, git: Git) -> Checkout:
    return git.clone(tenant.authenticated_clone_url, "repository")


def test_a_branch_is_planned_then_merged(tenant: Tenant, checkout: Checkout, story: Story) -> None:
    """A branch says what merging it would do, and merging does just that"""
    checkout("checkout", "--quiet", "-b", "weekly-report")
    checkout.write("default/report.yaml", JOB.format(name="report", schedule="0 6 * * 1"))
    checkout.write("default/hello.yaml", JOB.format(name="hello", schedule="30 3 * * *"))
    checkout.commit("A weekly report")
    checkout("push", "--quiet", "origin", "weekly-report")
    assert [job["name"] for job in tenant.items("/jobs")] == ["hello"]

    watch = Stopwatch()
    plan = tenant.get("/plan", ref="weekly-report")
    story.took("GET /plan of a branch", watch.seconds)
    story.tell(f"{plan['summary']}; {plan['changes'][0]['schedule_text']}")
    assert plan["applicable"]
    assert plan["summary"] == {"added": 1, "changed": 1, "removed": 0, "moved": 0}

    checkout("checkout", "--quiet", "main")
    checkout("merge", "--quiet", "--no-ff", "-m", "Merge the weekly report", "weekly-report")
    assert checkout.push().returncode == 0
    planned = {change["name"]: change["id"] for change in plan["changes"]}
    assert {job["name"]: job["id"] for job in tenant.items("/jobs")} == planned


def test_a_policy_stands_at_every_door(tenant: Tenant, checkout: Checkout, story: Story) -> None:
    """What a policy forbids is refused at the push, by the API, and told by the plan"""
    checkout.write(".crontopus/policies/not-too-often.yaml", POLICY)
    checkout.commit("Not too often")
    assert checkout.push().returncode == 0

    answer = tenant.api.put("/jobs/default/busy", json={"spec": {"schedule": "* * * * *"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "policy_violation")
    checkout("checkout", "--quiet", "-b", "busy")
    checkout.write("default/busy.yaml", JOB.format(name="busy", schedule="* * * * *"))
    checkout.commit("Every minute")
    checkout("push", "--quiet", "origin", "busy")
    plan = tenant.get("/plan", ref="busy")
    assert not plan["applicable"]
    refused = checkout.push()
    (said,) = [line for line in refused.stderr.splitlines() if "default/busy.yaml:6:" in line]
    story.tell(f"git push: {said.strip()}")
    assert refused.returncode != 0
    assert "not-too-often" in said
    assert plan["errors"][0]["message"] in said


def test_a_change_is_taken_back_and_every_commit_is_signed(
    tenant: Tenant, checkout: Checkout, story: Story
) -> None:
    """A rollback is a signed commit, verified with the signers that the API publishes"""
    tenant.put_job("default/hello", {"schedule": "0 9 * * *"})
    history = tenant.items("/jobs/default/hello/history")
    body = {"commit": history[1]["commit"], "message": "Nine was too late"}
    answer = tenant.api.post("/jobs/default/hello/rollback", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["schedule"] == ["0 3 * * *"]

    checkout("pull", "--quiet")
    signers = checkout.directory.parent / "signers"
    signers.write_text(tenant.get("/signers")["allowed_signers"])
    for commit in checkout("rev-list", "HEAD").split():
        checkout("-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-commit", commit)
    story.tell(f"verified: {checkout('log', '-1', '--format=%an: %s').strip()}")
