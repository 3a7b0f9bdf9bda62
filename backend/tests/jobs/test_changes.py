"""A change that is cut off at any step is finished, once, and undoes nobody else's."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from sqlalchemy import text

from crontopus_api.gitstore.errors import GitUnavailable, StaleBlob
from crontopus_api.gitstore.host import Author

from ..platform import Person, Platform
from .killed import JOB, STEPS, hello

ROOT = Path(__file__).resolve().parents[3]


async def _states(platform: Platform, person: Person) -> list[str]:
    async with platform.services.database.tenant(person.tenant_id) as session:
        return list(await session.scalars(text("SELECT state FROM git_intents ORDER BY id")))


async def _age_intents(platform: Platform, person: Person) -> None:
    async with platform.services.database.tenant(person.tenant_id) as session:
        await session.execute(text("UPDATE git_intents SET created_at = created_at - interval '1 hour'"))


async def _messages(platform: Platform) -> list[str]:
    return [commit.message.splitlines()[0] for commit in await platform.services.git.history("ada")]


async def _run_killed(platform: Platform, person: Person, step: str) -> None:
    """Change a job in another process, which is killed with SIGKILL at `step`."""
    settings = platform.services.settings
    arguments = (str(settings.database_url), str(settings.data_dir), person.token, step)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "backend.tests.jobs.killed", *arguments, cwd=ROOT
    )
    assert await process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("step", STEPS)
async def test_kill_9_at_any_step_leaves_git_intents_and_projection_agreed(
    platform: Platform, ada: Person, step: str
) -> None:
    services = platform.services
    await services.changes.ensure_repository(ada.tenant_id)
    await _run_killed(platform, ada, step)
    finished = step == "before the answer"
    assert await _states(platform, ada) == ["done" if finished else "pending"]
    assert await services.changes.finish_stale() == 0  # a request may still be at it
    await _age_intents(platform, ada)
    assert await services.changes.finish_stale() == (0 if finished else 1)
    assert await _states(platform, ada) == ["done"]
    assert (await ada.get("/jobs/default/hello"))["yaml"] == JOB.decode()
    assert (await _messages(platform)).count("Add default/hello") == 1
    assert (await services.rebuilder.rebuild(ada.tenant_id)).differences == []


async def test_a_change_left_behind_does_not_undo_what_came_after(platform: Platform, ada: Person) -> None:
    await platform.services.changes.ensure_repository(ada.tenant_id)
    await _run_killed(platform, ada, "before Git")
    newer = await ada.put_job(schedule="0 5 * * *")
    await _age_intents(platform, ada)
    await platform.services.changes.finish_stale()
    assert (await ada.get("/jobs/default/hello"))["etag"] == newer["etag"]
    assert await _states(platform, ada) == ["refused", "done"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StaleBlob("default/hello.yaml", None, "0" * 40), 409, "stale_etag"),
        (GitUnavailable("the disk is full"), 503, "unavailable"),
    ],
)
async def test_a_host_that_refuses_leaves_no_intent_pending(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    async def fail(*_: object, **__: object) -> NoReturn:
        raise error

    monkeypatch.setattr(platform.services.git, "commit", fail)
    answer = await ada.api.put("/api/v1/jobs/default/hello", json={"spec": {"schedule": "@daily"}})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(await _states(platform, ada)) == {"refused"}


async def test_what_others_pushed_meanwhile_is_projected_along(platform: Platform, ada: Person) -> None:
    """The short way, from the commit of one's own, is taken only where nothing else lies in between."""
    services = platform.services
    await ada.put_job("default/mine")
    await services.git.commit(
        "ada",
        author=Author("bob", "bob@example.org"),
        message="elsewhere",
        edits={"default/other.yaml": JOB.replace(b"hello", b"other")},
    )
    await services.changes.apply(hello(await services.identity.authenticate(ada.token)))
    assert {job["name"] for job in (await ada.get("/jobs"))["items"]} == {"mine", "other", "hello"}
    assert (await services.rebuilder.rebuild(ada.tenant_id)).differences == []


async def test_an_impossible_change_is_refused_for_good(platform: Platform, ada: Person) -> None:
    """A folder where a file is: nothing a worker could ever finish, nor should it keep others waiting."""
    await ada.put_job()
    body = {"files": [{"path": "default/hello.yaml/notes.txt", "content": "x"}]}
    answer = await ada.api.post("/api/v1/jobs:apply", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "path_not_allowed")
    assert "pending" not in await _states(platform, ada)


async def test_one_broken_repository_keeps_no_other_waiting(platform: Platform, ada: Person) -> None:
    bob = await platform.register("bob")
    for person in (ada, bob):
        await platform.services.changes.ensure_repository(person.tenant_id)
        await _run_killed(platform, person, "before Git")
        await _age_intents(platform, person)
    await platform.services.git.delete_repository("ada")
    await platform.services.changes.finish_stale()
    assert await _states(platform, bob) == ["done"]
