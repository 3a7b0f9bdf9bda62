"""What a branch would do when it is merged: the check a pull request shows."""

from pathlib import Path
from typing import Any

from ..platform import Person, Platform
from .git import branch_with, git, push_ref
from .killed import JOB

AGENT = b"""apiVersion: crontopus/v1
kind: Job
metadata:
  name: backup
spec:
  schedule: "0 2 * * *"
  command: /opt/backup.sh
  selector: {matchLabels: {role: db}}
"""
POLICY = b"""apiVersion: crontopus/v1
kind: Policy
metadata:
  name: slowly
spec:
  enforcement: %s
  rules:
    minimumInterval: 1h
"""


async def enroll(platform: Platform, person: Person, hostname: str, **labels: str) -> dict[str, Any]:
    made = await person.api.post("/api/v1/enrollment-tokens", json={"labels": labels})
    body = {
        "token": made.json()["secret"],
        "hostname": hostname,
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "1",
        "public_key": "A" * 43 + "=",
        "machine_id": hostname,
    }
    answer = await platform.client().post("/api/v1/endpoints/enroll", json=body)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def _plan(person: Person, ref: str = "tidy") -> dict[str, Any]:
    return await person.get("/plan", ref=ref)


async def test_a_branch_says_what_merging_it_would_do(
    platform: Platform, ada: Person, tmp_path: Path
) -> None:
    await enroll(platform, ada, "db-1", role="db")
    await enroll(platform, ada, "web-1", role="web")
    await ada.put_job("default/hello")
    await ada.put_job("default/old")
    await branch_with(
        platform,
        tmp_path,
        {
            "default/hello.yaml": JOB.replace(b"0 2", b"0 4"),
            "default/old.yaml": None,
            "databases/backup.yaml": AGENT,
            "README.md": b"# Ours\n",
        },
    )
    await ada.put_job("default/meanwhile")  # main moves on; that is no part of the branch

    plan = await _plan(ada)
    assert (plan["applicable"], plan["errors"], plan["conflicts"]) == (True, [], [])
    assert plan["summary"] == {"added": 1, "changed": 1, "removed": 1, "moved": 0}
    changes = {change["path"]: change for change in plan["changes"]}
    assert changes.keys() == {"default/hello.yaml", "default/old.yaml", "databases/backup.yaml"}
    added = changes["databases/backup.yaml"]
    assert [each["name"] for each in added["endpoints_gained"]] == ["db-1"]
    assert len(added["next_runs"]) == 3
    assert [each["name"] for each in plan["endpoints"]] == ["db-1"]
    assert [(file["path"], file["action"]) for file in plan["files"]] == [("README.md", "changed")]
    assert changes["default/hello.yaml"]["fields"] == [
        {"path": "spec.schedule", "before": "0 2 * * *", "after": "0 4 * * *"}
    ]


async def test_another_selector_moves_a_job_between_endpoints(platform: Platform, ada: Person) -> None:
    await enroll(platform, ada, "db-1", role="db")
    await enroll(platform, ada, "db-2", role="db", tier="gold")
    yaml = {"Content-Type": "application/yaml"}
    await ada.api.put("/api/v1/jobs/default/backup", content=AGENT, headers=yaml)
    narrower = AGENT.replace(b"role: db", b"tier: gold")
    answer = await ada.api.put("/api/v1/jobs/default/backup?dry_run=true", content=narrower, headers=yaml)
    [change] = answer.json()["changes"]
    names = {key: [e["name"] for e in change[f"endpoints_{key}"]] for key in ("gained", "lost", "kept")}
    assert names == {"gained": [], "lost": ["db-1"], "kept": ["db-2"]}


async def test_what_is_wrong_with_a_branch_is_told_before_it_is_merged(
    platform: Platform, ada: Person, tmp_path: Path
) -> None:
    await ada.put_job("default/hello")
    files = {"default/hello.yaml": JOB.replace(b"schedule:", b"shedule:"), "default/deep/er.yaml": JOB}
    await branch_with(platform, tmp_path, files)
    plan = await _plan(ada)
    assert not plan["applicable"]
    assert {(error["file"], error["code"]) for error in plan["errors"]} >= {
        ("default/hello.yaml", "unknown_key"),
        ("default/deep/er.yaml", "misplaced_file"),
    }


async def test_a_job_that_changes_its_path_has_moved(platform: Platform, ada: Person, tmp_path: Path) -> None:
    job = await ada.put_job("default/hello")
    moved = JOB.replace(b"name: hello", b"name: hello\n  id: " + job["id"].encode())
    await branch_with(platform, tmp_path, {"default/hello.yaml": None, "other/hello.yaml": moved})
    [change] = (await _plan(ada))["changes"]
    assert (change["action"], change["moved_from"], change["id"]) == (
        "moved",
        "default/hello.yaml",
        job["id"],
    )


async def test_conflicts_are_told(platform: Platform, ada: Person, tmp_path: Path) -> None:
    await ada.put_job("default/hello")
    await branch_with(platform, tmp_path, {"default/hello.yaml": JOB.replace(b"0 2", b"0 4")})
    await ada.put_job("default/hello", schedule="0 9 * * *")
    plan = await _plan(ada)
    assert (plan["applicable"], plan["conflicts"]) == (False, ["default/hello.yaml"])


async def test_a_ref_that_is_not_there(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    for ref in ("nowhere", "main~1", "--all", "0" * 40):
        answer = await ada.api.get("/api/v1/plan", params={"ref": ref})
        assert answer.status_code == 404, ref


async def _apply(person: Person, files: dict[str, bytes | None]) -> Any:
    body = [{"path": p, "content": None if c is None else c.decode()} for p, c in files.items()]
    return await person.api.post("/api/v1/jobs:apply", json={"files": body})


async def test_a_policy_refuses_jobs_that_break_it(platform: Platform, ada: Person) -> None:
    path = ".crontopus/policies/slowly.yaml"
    assert (await _apply(ada, {path: POLICY % b"enforce"})).status_code == 200
    answer = await ada.api.put("/api/v1/jobs/default/often", json={"spec": {"schedule": "*/5 * * * *"}})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "policy_violation")
    assert "slowly" in problem["detail"]
    await ada.put_job("default/seldom")

    # As a warning it lets the job pass, and goes on showing what it thinks of it.
    assert (await _apply(ada, {path: POLICY % b"warn"})).status_code == 200
    often = await ada.put_job("default/often", schedule="*/5 * * * *")
    [violation] = often["violations"]
    assert (violation["policy"], violation["enforcement"]) == ("slowly", "warn")
    # Whoever changes the policy and a job together is judged by the new policy.
    both = {
        path: None,
        "default/frequent.yaml": JOB.replace(b"hello", b"frequent").replace(b"0 2 *", b"* * *"),
    }
    assert (await _apply(ada, both)).status_code == 200
    assert (await ada.get("/jobs/default/often"))["violations"] == []


async def test_a_new_policy_tells_of_the_jobs_it_finds_wrong(platform: Platform, ada: Person) -> None:
    await ada.put_job("default/often", schedule="*/5 * * * *")
    body = {"files": [{"path": ".crontopus/policies/slowly.yaml", "content": (POLICY % b"enforce").decode()}]}
    plan = (await ada.api.post("/api/v1/jobs:apply?dry_run=true", json=body)).json()
    assert plan["applicable"]
    assert [(w["file"], w["policy"]) for w in plan["warnings"]] == [("default/often.yaml", "slowly")]
    await ada.api.post("/api/v1/jobs:apply", json=body)
    assert [v["policy"] for v in (await ada.get("/jobs/default/often"))["violations"]] == ["slowly"]
    documents = (await ada.get("/documents", kind="Policy"))["items"]
    assert [(d["name"], d["manifest"]["spec"]["rules"]) for d in documents] == [
        ("slowly", {"minimumInterval": "1h"})
    ]
    # A job that broke no rule when it came may still be changed for the better, and deleted.
    assert (
        await ada.api.put("/api/v1/jobs/default/often", json={"spec": {"schedule": "@daily"}})
    ).status_code == 200
    assert (await platform.services.rebuilder.rebuild(ada.tenant_id)).differences == []


async def test_what_can_never_be_merged_is_no_server_error(
    platform: Platform, ada: Person, tmp_path: Path
) -> None:
    await ada.put_job()
    await branch_with(platform, tmp_path, {"big.bin": b"x" * (2 << 20)}, name="big")
    foreign = await git("commit-tree", "-m", "x", "HEAD^{tree}", cwd=tmp_path / "work-big")
    await push_ref(tmp_path / "work-big", foreign, "foreign")
    for ref in ("big", "foreign"):
        answer = await ada.api.get("/api/v1/plan", params={"ref": ref})
        assert (answer.status_code, answer.json()["code"]) == (422, "cannot_merge"), ref
