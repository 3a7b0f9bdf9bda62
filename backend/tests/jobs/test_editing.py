"""Pause, rename, roll back, apply: each one commit, each tried before it is done."""

from typing import Any

from ..platform import Person, Platform
from .killed import JOB

YAML = b"""apiVersion: crontopus/v1
kind: Job
metadata:
  name: hello   # what it is called
# why this job exists
spec:
  schedule: "0 2 * * *"
"""
HEADERS = {"Content-Type": "application/yaml"}


async def _post(person: Person, path: str, body: Any = None, *, status: int = 200, **options: Any) -> Any:
    answer = await person.api.post(f"/api/v1{path}", json=body, **options)
    assert answer.status_code == status, answer.text
    return answer.json()


async def _subjects(platform: Platform) -> list[str]:
    return [commit.message.splitlines()[0] for commit in await platform.services.git.history("ada")]


async def _put_yaml(person: Person, content: bytes = YAML, address: str = "default/hello") -> dict[str, Any]:
    answer = await person.api.put(f"/api/v1/jobs/{address}", content=content, headers=HEADERS)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


async def test_pausing_changes_one_line(platform: Platform, ada: Person) -> None:
    await _put_yaml(ada)
    paused = await _post(ada, "/jobs/default/hello/pause", {"message": "Moving the database"})
    assert (paused["paused"], paused["state"]) == (True, "paused")
    assert paused["yaml"] == YAML.decode() + "  paused: true\n"
    again = await _post(ada, "/jobs/default/hello/pause")
    assert again["commit"] == paused["commit"]
    resumed = await _post(ada, "/jobs/default/hello/resume")
    assert (resumed["paused"], resumed["state"]) == (False, "new")
    assert (await _subjects(platform))[:2] == ["Resume default/hello", "Moving the database"]
    await _post(ada, "/jobs/default/nothing/pause", status=404)


async def test_a_renamed_job_is_the_same_job(platform: Platform, ada: Person) -> None:
    job = await _put_yaml(ada)
    await platform.ping(job["ping_url"])
    body = {"namespace": "production", "name": "greeting"}
    moved = await _post(ada, "/jobs/default/hello/rename", body)
    assert (moved["id"], moved["ping_url"], moved["state"]) == (job["id"], job["ping_url"], "healthy")
    assert "# why this job exists" in moved["yaml"]
    assert (await ada.api.get("/api/v1/jobs/default/hello")).status_code == 404
    runs = (await ada.get("/runs"))["items"]
    assert [run["job"]["name"] for run in runs] == ["greeting"]

    # A new job where it was is another job, and says so in its file.
    fresh = await _put_yaml(ada)
    assert fresh["id"] != job["id"]
    assert f"id: {fresh['id']}" in fresh["yaml"]
    history = (await ada.get("/jobs/default/hello/history"))["items"]
    assert [version["action"] for version in history] == ["created"]
    conflict = await _post(ada, "/jobs/default/hello/rename", body, status=409)
    assert conflict["code"] == "already_exists"
    reserved = await _post(
        ada, "/jobs/default/hello/rename", {"namespace": "default", "name": "start"}, status=422
    )
    assert reserved["errors"][0]["code"] == "reserved_name"
    assert (await platform.services.rebuilder.rebuild(ada.tenant_id)).differences == []


async def test_history_diff_and_rollback_go_through_a_rename(platform: Platform, ada: Person) -> None:
    job = await _put_yaml(ada)
    await _put_yaml(ada, YAML.replace(b"0 2", b"0 3"))
    await _post(ada, "/jobs/default/hello/rename", {"namespace": "production", "name": "hello"})
    await ada.put_job("production/hello", schedule="0 5 * * *")
    history = (await ada.get("/jobs/production/hello/history"))["items"]
    assert [(v["action"], v["path"], v["author"], v["message"]) for v in history] == [
        ("changed", "production/hello.yaml", "ada", "Change production/hello"),
        ("renamed", "production/hello.yaml", "ada", "Rename default/hello as production/hello"),
        ("changed", "default/hello.yaml", "ada", "Change default/hello"),
        ("created", "default/hello.yaml", "ada", "Add default/hello"),
    ]
    first = await ada.get("/jobs/production/hello/history", limit=3)
    rest = await ada.get("/jobs/production/hello/history", limit=3, cursor=first["next_cursor"])
    assert first["items"] + rest["items"] == history
    assert rest["next_cursor"] is None

    newest = await ada.get("/jobs/production/hello/diff")
    assert (newest["from_commit"], newest["to_commit"]) == (history[1]["commit"], history[0]["commit"])
    assert "+  schedule: 0 5 * * *" in newest["diff"].replace('"', "")
    chosen = {"from": history[3]["commit"], "to": history[2]["commit"]}
    answer = await ada.api.get("/api/v1/jobs/production/hello/diff", params=chosen)
    assert [line for line in answer.json()["diff"].splitlines()[2:] if line[0] in "+-"] == [
        '-  schedule: "0 2 * * *"',
        '+  schedule: "0 3 * * *"',
    ]

    back = await _post(ada, "/jobs/production/hello/rollback", {"commit": history[3]["commit"]})
    assert (back["schedule"], back["id"], back["namespace"]) == (["0 2 * * *"], job["id"], "production")
    assert "# why this job exists" in back["yaml"]
    await _post(ada, "/jobs/production/hello/rollback", {"commit": "0" * 40}, status=404)


async def test_a_deleted_job_comes_back_by_rollback(platform: Platform, ada: Person) -> None:
    job = await _put_yaml(ada)
    await ada.api.delete("/api/v1/jobs/default/hello")
    history = (await ada.get("/jobs/default/hello/history"))["items"]
    assert [version["action"] for version in history] == ["deleted", "created"]
    created = await ada.get("/jobs/default/hello/diff", to=history[1]["commit"])
    assert (created["from_commit"], created["before"], created["after"]) == (None, None, YAML.decode())
    deleted = await ada.get("/jobs/default/hello/diff", to=history[0]["commit"])
    assert (deleted["before"], deleted["after"]) == (YAML.decode(), None)
    body = {"commit": history[1]["commit"]}
    back = await _post(ada, "/jobs/default/hello/rollback", body, status=201)
    assert (back["id"], back["yaml"], back["ping_url"]) == (job["id"], YAML.decode(), job["ping_url"])


async def test_a_dry_run_tells_and_changes_nothing(platform: Platform, ada: Person) -> None:
    await _put_yaml(ada)
    before = await _subjects(platform)
    body = {"spec": {"schedule": "30 4 * * 1", "timezone": "Europe/London"}}
    answer = await ada.api.put("/api/v1/jobs/default/hello?dry_run=true", json=body)
    plan = answer.json()
    assert answer.status_code == 200
    assert plan["summary"] == {"added": 0, "changed": 1, "removed": 0, "moved": 0}
    [change] = plan["changes"]
    assert change["fields"] == [
        {"path": "spec.schedule", "before": "0 2 * * *", "after": "30 4 * * 1"},
        {"path": "spec.timezone", "before": None, "after": "Europe/London"},
    ]
    assert len(change["next_runs"]) == 3
    assert "-# why this job exists" in change["diff"]
    removed = (await ada.api.delete("/api/v1/jobs/default/hello?dry_run=true")).json()
    assert removed["summary"]["removed"] == 1
    rename = {"namespace": "default", "name": "other"}
    moved = await _post(ada, "/jobs/default/hello/rename?dry_run=true", rename)
    assert [(c["action"], c["moved_from"]) for c in moved["changes"]] == [("moved", "default/hello.yaml")]
    for operation in ("pause", "resume"):
        assert "summary" in await _post(ada, f"/jobs/default/hello/{operation}?dry_run=true")
    assert await _subjects(platform) == before


async def test_many_files_are_one_commit_or_none(platform: Platform, ada: Person) -> None:
    await _put_yaml(ada)
    files = [
        {"path": f"batch/job-{n}.yaml", "content": JOB.replace(b"hello", f"job-{n}".encode()).decode()}
        for n in range(12)
    ]
    body = {"files": [*files, {"path": "default/hello.yaml", "content": None}], "message": "Move in"}
    plan = await _post(ada, "/jobs:apply?dry_run=true", body)
    assert plan["summary"] == {"added": 12, "changed": 0, "removed": 1, "moved": 0}
    done = await _post(ada, "/jobs:apply", body)
    assert done["changed"]
    assert (await _subjects(platform))[0] == "Move in"
    assert [job["namespace"] for job in (await ada.get("/jobs"))["items"]] == ["batch"] * 12
    again = await _post(ada, "/jobs:apply", body)
    assert again == {"commit": done["commit"], "changed": False}

    bad = {"path": "batch/bad.yaml", "content": "kind: Job\n"}
    refused = await _post(ada, "/jobs:apply", {"files": [files[0] | {"content": None}, bad]}, status=422)
    assert (refused["code"], refused["errors"][0]["file"]) == ("invalid_manifest", "batch/bad.yaml")
    stale = files[0] | {"content": None, "if_match": "0" * 40}
    assert (await _post(ada, "/jobs:apply", {"files": [stale]}, status=409))["code"] == "stale_etag"
    assert (await ada.get("/namespaces"))["items"][0] == {"name": "batch", "jobs": 12}


async def test_files_are_kept_as_they_are_and_jobs_as_who_they_are(platform: Platform, ada: Person) -> None:
    job = await _put_yaml(ada)
    body = {"namespace": "production", "name": "hello"}
    await _post(ada, "/jobs/default/hello/rename", body)
    text = "\n\n" + YAML.decode() + "\n\n"
    files = [{"path": f"{folder}/hello.yaml", "content": text} for folder in ("default", "production")]
    await _post(ada, "/jobs:apply", {"files": files})
    moved, fresh = await ada.get("/jobs/production/hello"), await ada.get("/jobs/default/hello")
    assert moved["id"] == job["id"] != fresh["id"]
    for shown in (moved, fresh):
        assert shown["yaml"].replace(f"  id: {shown['id']}\n", "") == text


async def test_hostile_paths_are_refused(platform: Platform, ada: Person) -> None:
    await _put_yaml(ada)
    before = await _subjects(platform)
    for path in (
        "../x",
        "/etc/passwd",
        ".git/config",
        "a/../../b",
        "a//b",
        ".crontopus/tenant.yaml",
        "x\u0000y",
    ):
        answer = await ada.api.post("/api/v1/jobs:apply", json={"files": [{"path": path, "content": "x"}]})
        assert answer.status_code == 422, path
    assert await _subjects(platform) == before


async def test_namespaces_are_made_and_removed(platform: Platform, ada: Person) -> None:
    await _post(ada, "/namespaces", {"name": "staging"}, status=201)
    assert {"name": "staging", "jobs": 0} in (await ada.get("/namespaces"))["items"]
    await _post(ada, "/namespaces", {"name": "staging"}, status=409)
    await _post(ada, "/namespaces", {"name": "No"}, status=422)
    await _put_yaml(ada, address="staging/hello")
    full = await ada.api.delete("/api/v1/namespaces/staging")
    assert (full.status_code, full.json()["code"]) == (409, "not_empty")
    await ada.api.delete("/api/v1/jobs/staging/hello")
    assert (await ada.api.delete("/api/v1/namespaces/staging")).status_code == 204
    assert "staging" not in [each["name"] for each in (await ada.get("/namespaces"))["items"]]
    assert (await ada.api.delete("/api/v1/namespaces/staging")).status_code == 404
    assert (await ada.api.delete("/api/v1/namespaces/default")).status_code == 409


async def test_commits_are_signed_with_the_key_the_api_publishes(
    platform: Platform, ada: Person, tmp_path: Any
) -> None:
    from .git import git

    await _put_yaml(ada)
    signers = (await platform.client().get("/api/v1/signers")).json()
    allowed = tmp_path / "allowed"
    allowed.write_text(signers["allowed_signers"])
    bare = platform.services.git.path("ada")
    for commit in await platform.services.git.history("ada"):
        await git("-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-commit", commit.id, cwd=bare)


async def test_the_schema_is_served_for_editors(platform: Platform) -> None:
    answer = await platform.client().get("/schemas/manifest/v1.json")
    assert answer.headers["content-type"].startswith("application/schema+json")
    assert answer.json()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
