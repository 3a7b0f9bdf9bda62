"""`?create=1`: the first ping makes the job."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import update

from crontopus_api.checkins.pending import repository as pending_repository
from crontopus_api.checkins.pending.models import PendingJob
from crontopus_api.gitstore.host import CommitInfo
from crontopus_api.kit.database import Database, Scope
from crontopus_api.manifests import job_id
from crontopus_api.tenants.models import Tenant

from ...platform import Person, Platform
from .senders import output, runs, tenant_key


async def _commits(platform: Platform, person: Person) -> Sequence[CommitInfo]:
    return await platform.services.git.history(person.username)


async def _adopt(platform: Platform) -> None:
    await platform.services.adopter.round()


async def test_the_first_ping_makes_the_job(platform: Platform, ada: Person) -> None:
    key = await tenant_key(ada)
    before = datetime.now(UTC)
    first = await platform.ping(f"/ping/{key}/nightly?create=1", "one")
    assert (first.status_code, first.text) == (201, "Created")
    second = await platform.ping(f"/ping/{key}/nightly/3?create=1", "two")
    assert (second.status_code, second.text) == (200, "OK")
    # Also without create=1: it is there as far as the sender can tell.
    assert (await platform.ping(f"/ping/{key}/default.nightly/start")).status_code == 200
    assert await runs(ada) == []
    after = datetime.now(UTC)
    await _adopt(platform)
    job = await ada.get("/jobs/default/nightly")
    assert job["id"] == str(job_id(ada.tenant_id, "default/nightly"))
    assert (job["schedule"], job["manifest"]["spec"]["grace"]) == (["every 1d"], "1h")
    assert (job["state"], job["changed_by"]) == ("failing", "crontopus")
    found = await runs(ada)
    assert [(run["state"], run["exit_code"]) for run in found] == [
        ("running", None),
        ("failure", 3),
        ("success", None),
    ]
    assert await output(ada, found[2]) == "one"
    finished = datetime.fromisoformat(found[2]["finished_at"])
    assert before.replace(microsecond=0) <= finished <= after
    third = await platform.ping(f"/ping/{key}/nightly?create=1")
    assert (third.status_code, third.text) == (200, "OK")


async def test_the_address_says_what_is_expected(platform: Platform, ada: Person) -> None:
    address = f"/ping/{await tenant_key(ada)}/prod.backup/start"
    query = {
        "create": "1",
        "schedule": "0 2 * * *",
        "tz": "Europe/London",
        "grace": "600",
        "timeout": "1h30m",
    }
    answer = await platform.client().post(address, params=query)
    assert (answer.status_code, answer.text) == (201, "Created")
    await _adopt(platform)
    job = await ada.get("/jobs/prod/backup")
    assert job["manifest"]["spec"] == {
        "schedule": "0 2 * * *",
        "timezone": "Europe/London",
        "grace": "10m",
        "timeout": "1h30m",
    }
    assert job["state"] == "running"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"schedule": "often"}, "schedule: "),
        ({"tz": "Mars/Olympus"}, "timezone: "),
        ({"grace": "soon"}, "grace: `soon` is not a duration"),
        ({"timeout": "0"}, "timeout: `0s` is not between"),
    ],
)
async def test_what_cannot_be_expected_is_said(
    platform: Platform, ada: Person, query: dict[str, str], words: str
) -> None:
    address = f"/ping/{await tenant_key(ada)}/nightly"
    answer = await platform.client().get(address, params={"create": "1", **query})
    assert answer.status_code == 400
    assert answer.text.startswith(words)
    assert (await platform.ping(address)).status_code == 404


async def test_all_of_a_tenant_share_a_commit(platform: Platform, ada: Person) -> None:
    eve = await platform.register("eve")
    for person in (ada, eve):
        await person.put_job("default/first")
        key = await tenant_key(person)
        for number in range(5):
            assert (await platform.ping(f"/ping/{key}/job-{number}?create=1")).status_code == 201
    before = {person.username: len(await _commits(platform, person)) for person in (ada, eve)}
    await _adopt(platform)
    for person in (ada, eve):
        commits = await _commits(platform, person)
        assert len(commits) == before[person.username] + 1
        assert commits[0].message.startswith("Add 5 jobs on their first ping")
        assert len(await runs(person)) == 5


async def test_a_worker_killed_before_it_forgets_replays_nothing_twice(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await tenant_key(ada)
    for call in ("nightly?create=1", "nightly/start", "nightly/4"):
        assert (await platform.ping(f"/ping/{key}/{call}")).status_code in {200, 201}

    async def killed(*_: object) -> None:
        raise OSError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(pending_repository, "forget", killed)
        await _adopt(platform)
    assert len(await runs(ada)) == 2
    await _unclaim(platform.services.database, ada)
    # What comes now waits behind what is not settled yet.
    assert (await platform.ping(f"/ping/{key}/nightly/5")).status_code == 200
    assert len(await runs(ada)) == 2
    await _adopt(platform)
    assert [run["exit_code"] for run in await runs(ada)] == [5, 4, None]
    assert (await platform.ping(f"/ping/{key}/nightly/6")).status_code == 200
    assert len(await runs(ada)) == 4


async def _unclaim(database: Database, person: Person) -> None:
    """As time does."""
    async with database.tenant(person.tenant_id) as session:
        await session.execute(update(PendingJob).values(claimed_until=None))


async def test_two_workers_do_not_take_the_same(platform: Platform, ada: Person) -> None:
    await platform.ping(f"/ping/{await tenant_key(ada)}/nightly?create=1")
    database = platform.services.database
    claims = []
    for _ in range(2):
        async with database.session(Scope(role="crontopus_scanner")) as session:
            claims.append(len(await pending_repository.claim(session, 30, 10)))
    assert claims == [1, 0]


async def test_reproject_keeps_pending_jobs(platform: Platform, ada: Person) -> None:
    await ada.put_job()
    key = await tenant_key(ada)
    await platform.ping(f"/ping/{key}/nightly?create=1", "kept")
    await platform.services.rebuilder.rebuild(ada.tenant_id)
    await _adopt(platform)
    await platform.services.rebuilder.rebuild(ada.tenant_id)
    found = await runs(ada)
    assert [await output(ada, run) for run in found] == ["kept"]


async def test_somebody_may_commit_the_job_first(platform: Platform, ada: Person) -> None:
    key = await tenant_key(ada)
    await platform.ping(f"/ping/{key}/nightly?create=1")
    await ada.put_job("default/nightly", schedule="0 3 * * *")
    assert (await platform.ping(f"/ping/{key}/nightly/7")).status_code == 200
    assert await runs(ada) == []
    await _adopt(platform)
    assert [run["exit_code"] for run in await runs(ada)] == [7, None]
    assert (await ada.get("/jobs/default/nightly"))["schedule"] == ["0 3 * * *"]


async def test_a_name_that_endpoints_run_is_taken(platform: Platform, ada: Person) -> None:
    await ada.put_job(command="/bin/true", selector={"hostname": "db1"})
    answer = await platform.ping(f"/ping/{await tenant_key(ada)}/hello?create=1")
    assert (answer.status_code, answer.text) == (409, "default/hello is a job that endpoints run")


async def test_the_plan_holds(platform: Platform, ada: Person) -> None:
    key = await tenant_key(ada)
    await ada.put_job()
    await _set_plan(platform.services.database, ada, "free")
    answers = [(await platform.ping(f"/ping/{key}/job-{n}?create=1")).status_code for n in range(21)]
    assert answers == [201] * 19 + [404] * 2
    await _adopt(platform)
    refused = await platform.ping(f"/ping/{key}/one-more?create=1")
    assert (refused.status_code, refused.text) == (404, "the plan free has room for 20 jobs, and no more")


async def _set_plan(database: Database, person: Person, plan: str) -> None:
    async with database.tenant(person.tenant_id) as session:
        await session.execute(update(Tenant).values(plan=plan))


async def test_what_a_new_policy_refuses_stops_nobody_else(platform: Platform, ada: Person) -> None:
    key = await tenant_key(ada)
    for name in ("often", "seldom"):
        schedule = "every 1m" if name == "often" else "every 1d"
        answer = await platform.client().get(
            f"/ping/{key}/{name}", params={"create": "1", "schedule": schedule}
        )
        assert answer.status_code == 201
    policy = """apiVersion: crontopus/v1
kind: Policy
metadata: {name: calm}
spec: {rules: {minimumInterval: 1h}}
"""
    edit = {"path": ".crontopus/policies/calm.yaml", "content": policy}
    answer = await ada.api.post("/api/v1/jobs:apply", json={"files": [edit]})
    assert answer.status_code in {200, 201}, answer.text
    await _adopt(platform)
    assert [run["job"]["name"] for run in await runs(ada)] == ["seldom"]
    late = await platform.client().get(f"/ping/{key}/other", params={"create": "1", "schedule": "every 1m"})
    assert late.status_code == 400
    assert "calm" in late.text


@pytest.mark.parametrize("slug", ["start", "7", "discovered.x", "-x", "a..b"])
async def test_names_that_no_ping_can_make(platform: Platform, ada: Person, slug: str) -> None:
    answer = await platform.ping(f"/ping/{await tenant_key(ada)}/{slug}?create=1")
    assert answer.status_code == 400


async def test_a_strangers_key_makes_nothing(platform: Platform, ada: Person) -> None:
    answer = await platform.ping(f"/ping/{'A' * 22}/nightly?create=1")
    assert (answer.status_code, answer.text) == (404, "not found")
    answer = await platform.ping(f"/ping/{uuid4()}?create=1")
    assert (answer.status_code, answer.text) == (404, "not found")
