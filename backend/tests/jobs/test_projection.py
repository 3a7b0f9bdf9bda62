"""Pushes and rebuilds: the database says what Git says, however it came about."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from crontopus_api.jobs.changing.judge import Judge
from crontopus_api.tenants.plans import PLANS, Plan

from ..platform import Person, Platform
from .git import branch_with, push_ref
from .killed import JOB


async def _push(platform: Platform, person: Person, scratch: Path, files: dict[str, bytes | None]) -> str:
    commit = await branch_with(platform, scratch, files, name="main")
    await platform.services.projector.project(person.tenant_id)
    return commit


async def _ids(person: Person) -> dict[str, str]:
    return {job["name"]: job["id"] for job in (await person.get("/jobs"))["items"]}


async def _judge(platform: Platform, person: Person, files: dict[str, bytes | None]) -> list[str]:
    judge: Judge = platform.services.judge
    async with platform.services.database.tenant(person.tenant_id) as session:
        return (await judge.judge(session, person.tenant_id, files)).lines()


async def test_a_job_knows_the_commit_that_last_changed_it(
    platform: Platform, ada: Person, tmp_path: Path
) -> None:
    mine = await ada.put_job("default/mine")
    files = {f"default/{name}.yaml": JOB.replace(b"hello", name.encode()) for name in ("theirs", "too")}
    pushed = await _push(platform, ada, tmp_path, files)
    jobs = {job["name"]: job for job in (await ada.get("/jobs"))["items"]}
    assert (jobs["mine"]["commit"], jobs["mine"]["changed_by"]) == (mine["commit"], "ada")
    assert (jobs["theirs"]["commit"], jobs["theirs"]["changed_by"]) == (pushed, "bob")


async def test_two_jobs_may_trade_places(platform: Platform, ada: Person, tmp_path: Path) -> None:
    for name in ("one", "two"):
        await ada.put_job(f"default/{name}")
    ids = await _ids(ada)
    swap = {
        f"default/{name}.yaml": JOB.replace(b"name: hello", f"name: {name}\n  id: {ids[other]}".encode())
        for name, other in (("one", "two"), ("two", "one"))
    }
    await _push(platform, ada, tmp_path, swap)
    assert await _ids(ada) == {"one": ids["two"], "two": ids["one"]}


async def test_a_copied_id_leaves_the_job_that_had_it(
    platform: Platform, ada: Person, tmp_path: Path
) -> None:
    job = await ada.put_job("default/hello")
    copy = JOB.replace(b"name: hello", b"name: copy\n  id: " + job["id"].encode())
    [line] = await _judge(platform, ada, {"default/copy.yaml": copy})
    assert "default/hello.yaml" in line
    await _push(platform, ada, tmp_path, {"default/copy.yaml": copy})
    assert await _ids(ada) == {"hello": job["id"]}
    [invalid] = (await ada.get("/repository"))["invalid_files"]
    assert (invalid["path"], invalid["errors"][0]["code"]) == ("default/copy.yaml", "duplicate_id")


async def test_a_broken_file_leaves_the_last_good_definition(
    platform: Platform, ada: Person, tmp_path: Path
) -> None:
    """A host that cannot refuse a push (Forgejo) may have one."""
    job = await ada.put_job("default/hello")
    await _push(platform, ada, tmp_path, {"default/hello.yaml": b"kind: Job\n", "default/new.yaml": b"{"})
    [shown] = (await ada.get("/jobs"))["items"]
    assert (shown["commit"], shown["schedule"]) == (job["commit"], ["0 2 * * *"])
    assert shown["errors"][0]["file"] == "default/hello.yaml"
    assert len((await ada.get("/repository"))["invalid_files"]) == 2
    assert (await platform.services.rebuilder.rebuild(ada.tenant_id)).differences == []
    fixed = await ada.put_job("default/hello", schedule="0 3 * * *")
    assert fixed["errors"] == []


async def test_a_rebuild_puts_right_what_was_wrong_and_says_so(
    platform: Platform, ada: Person, tmp_path: Path
) -> None:
    await ada.put_job("default/kept")
    url = (await ada.put_job("default/changed"))["ping_url"]
    await ada.put_job("default/lost")
    await ada.api.post("/api/v1/namespaces", json={"name": "empty"})
    async with platform.services.database.tenant(ada.tenant_id) as session:
        for statement in (
            "UPDATE jobs SET manifest = '{}', blob_id = 'x' WHERE name = 'changed'",
            "DELETE FROM jobs WHERE name = 'lost'",
            "INSERT INTO jobs SELECT tenant_id, gen_random_uuid(), namespace, 'ghost', 'default/ghost.yaml',"
            " mode, manifest, source, labels, schedule, timezone, enabled, paused, blob_id, commit_id,"
            " created_at, updated_at, deleted_at, changed_by, changed_at, violations"
            " FROM jobs WHERE name = 'kept'",
            "DELETE FROM namespaces",
            "UPDATE repositories SET projected_commit = repeat('0', 40)",
        ):
            await session.execute(text(statement))
    rebuilt = await platform.services.rebuilder.rebuild(ada.tenant_id)
    assert {(each.path, each.what) for each in rebuilt.differences} == {
        ("default/changed.yaml", "blob_id, manifest"),
        ("default/lost.yaml", "missing"),
        ("default/ghost.yaml", "surplus"),
    }
    assert set(await _ids(ada)) == {"kept", "changed", "lost"}
    assert {"name": "empty", "jobs": 0} in (await ada.get("/namespaces"))["items"]
    assert (await ada.get("/jobs/default/changed"))["ping_url"] == url
    assert (await platform.services.rebuilder.rebuild(ada.tenant_id)).differences == []


async def test_the_plan_has_room_for_so_many_jobs(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLANS, "business", Plan("business", jobs=2, repository_bytes=1 << 20))
    await ada.put_job("default/one")
    await ada.put_job("default/two")
    answer = await ada.api.put("/api/v1/jobs/default/three", json={"spec": {"schedule": "@daily"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "over_quota")
    await ada.put_job("default/two", schedule="0 4 * * *")
    assert (await ada.get("/repository"))["jobs_limit"] == 2
    new = JOB.replace(b"hello", b"three")
    assert await _judge(platform, ada, {"default/three.yaml": new}) != []
    assert await _judge(platform, ada, {"default/three.yaml": new, "default/one.yaml": None}) == []


async def test_a_push_is_refused_line_by_line(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    lines = await _judge(
        platform,
        ada,
        {
            "default/hello.yaml": JOB.replace(b"schedule", b"shedule"),
            "README.md": b"anything",
            "default/gone.yaml": None,
            "default/deep/er.yaml": JOB,
            ".crontopus/policies/x.yaml": b"kind: Policy\n",
        },
    )
    assert any(line.startswith("default/hello.yaml:6:3: unknown key `shedule`") for line in lines)
    assert any(line.startswith("default/deep/er.yaml") for line in lines)
    assert any(line.startswith(".crontopus/policies/x.yaml") for line in lines)
    assert not any("README" in line or "gone" in line for line in lines)
    mark = {".crontopus/tenant.yaml": b"id: other"}
    assert ["never changes" in line for line in await _judge(platform, ada, mark)] == [True]
    many = {f"default/job-{number}.yaml": b"x" for number in range(100)}
    lines = await _judge(platform, ada, many)
    assert (len(lines), lines[-1][0]) == (51, "…")


async def test_what_is_found_is_expected_nowhere_until_it_is_adopted(platform: Platform, ada: Person) -> None:
    found = await ada.put_job("discovered/hello")
    assert (found["state"], found["instances"]["total"]) == ("none", 0)
    body = {"namespace": "default", "name": "hello"}
    answer = await ada.api.post("/api/v1/jobs/discovered/hello/rename", json=body)
    adopted = answer.json()
    assert (adopted["id"], adopted["instances"]["total"]) == (found["id"], 1)
    assert UUID(adopted["id"])


async def test_a_rewritten_history_is_not_followed_and_said(
    platform: Platform, ada: Person, tmp_path: Path
) -> None:
    await ada.put_job("default/kept")
    await _push(platform, ada, tmp_path, {"default/hello.yaml": JOB})
    await push_ref(tmp_path / "work-main", "HEAD~2", "main")
    await platform.services.projector.project(ada.tenant_id)
    assert set(await _ids(ada)) == {"kept", "hello"}
    assert "was rewritten" in (await ada.get("/repository"))["problem"]
    # An operator may accept it, or its owner take it back.
    await push_ref(tmp_path / "work-main", "HEAD", "main")
    await ada.put_job("default/more")
    assert (await ada.get("/repository"))["problem"] is None
    assert set(await _ids(ada)) == {"kept", "hello", "more"}
