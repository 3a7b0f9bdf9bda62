"""A tenant is made, renamed, deleted, taken back, and in the end taken apart."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
import time_machine
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from crontopus_api.gitstore.errors import GitUnavailable, RepositoryMissing
from crontopus_api.tenants import purging_repository

from ..platform import Person, Platform
from .conftest import Sink, audited, invite, work

Join = Callable[[str, str], Awaitable[Person]]
Count = Callable[[Person], dict[str, int]]
_KEPT = {"audit_log"}


@contextmanager
def days_later(days: float, minutes: float = 0) -> Iterator[None]:
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days, minutes=minutes), tick=False):
        yield


@pytest.fixture
def rows(postgres_url: str, database_url: str) -> Count:
    """How many rows of a tenant each table has, seen by a superuser, whom no policy hides anything from."""
    url = make_conninfo(postgres_url, dbname=conninfo_to_dict(database_url)["dbname"])

    def count(person: Person) -> dict[str, int]:
        with psycopg.connect(url) as connection:
            tables = connection.execute(
                """
                SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                WHERE a.attname = 'tenant_id' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                    AND c.relnamespace = 'public'::regnamespace
                """
            ).fetchall()
            counts = {}
            for (name,) in tables:
                query = sql.SQL("SELECT count(*) FROM {} WHERE tenant_id = %s").format(sql.Identifier(name))
                row = connection.execute(query, (person.tenant_id,)).fetchone()
                assert row is not None
                counts[name] = row[0]
            own = connection.execute(
                "SELECT count(*) FROM tenants WHERE id = %s", (person.tenant_id,)
            ).fetchone()
            assert own is not None
            counts["tenants"] = own[0]
        return {name: number for name, number in counts.items() if number}

    return count


async def fill(platform: Platform, person: Person) -> None:
    """Something in nearly every table."""
    for number in range(3):
        job = await person.put_job(f"default/job-{number}")
        for _ in range(4):
            await platform.ping(f"{job['ping_url']}?rid={uuid4()}", "all is well")
        await platform.ping(job["ping_url"] + "/fail", "it broke")
    await platform.services.incident_keeper.handle_changes()
    await platform.services.rollups.round()
    token = (await person.api.post("/api/v1/enrollment-tokens", json={"uses": 2})).json()["secret"]
    body = {
        "token": token,
        "hostname": "web-1",
        "platform": "linux",
        "arch": "amd64",
        "agent_version": "1",
        "public_key": "A" * 43 + "=",
        "machine_id": "m",
    }
    assert (await platform.client().post("/api/v1/endpoints/enroll", json=body)).status_code == 201
    key = (await person.get("/ping-key"))["key"]
    assert (await platform.ping(f"http://x/ping/{key}/made-by-ping?create=1")).status_code == 201
    await invite(platform, person, f"friend-of-{person.username}@example.org", "viewer")


async def _delete(person: Person) -> None:
    answer = await person.api.request("DELETE", "/api/v1/tenants/current", json={"confirm": person.username})
    assert answer.status_code == 200, answer.text


async def test_more_tenants_of_ones_own_up_to_ten(platform: Platform, ada: Person, database_url: str) -> None:
    made = await ada.api.post("/api/v1/tenants", json={"slug": "Team-1", "name": "The team"})
    assert made.status_code == 201
    assert {name: made.json()[name] for name in ("slug", "name", "role", "plan", "delete_at")} == {
        "slug": "team-1",
        "name": "The team",
        "role": "owner",
        "plan": "business",
        "delete_at": None,
    }
    assert [each["slug"] for each in (await ada.get("/tenants"))["items"]] == ["ada", "team-1"]
    taken = await ada.api.post("/api/v1/tenants", json={"slug": "team-1"})
    assert (taken.status_code, taken.json()["code"]) == (409, "slug_taken")
    assert (await ada.api.post("/api/v1/tenants", json={"slug": "-bad-"})).status_code == 422
    # At once, so that all of them would count the same ones.
    answers = await asyncio.gather(
        *(ada.api.post("/api/v1/tenants", json={"slug": f"team-{number}"}) for number in range(2, 12))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 8 + [403] * 2
    refused = next(answer.json() for answer in answers if answer.status_code == 403)
    assert refused["code"] == "quota_tenants"
    # The repository is made by the same event as the personal one's.
    with psycopg.connect(database_url) as connection:
        connection.execute("SET ROLE crontopus_scanner")
        slugs = connection.execute("SELECT slug FROM repositories ORDER BY slug").fetchall()
    assert len(slugs) == 10


async def test_the_name_changes_and_the_slug_stays(database_url: str, ada: Person) -> None:
    answer = await ada.api.patch("/api/v1/tenants/current", json={"name": "Ada & Co"})
    assert (answer.json()["name"], answer.json()["slug"]) == ("Ada & Co", "ada")
    assert (await ada.get("/tenants/current"))["name"] == "Ada & Co"
    assert (await ada.api.patch("/api/v1/tenants/current", json={"slug": "x"})).status_code == 422
    entry = audited(database_url, ada, "tenant.renamed")[0]
    assert (entry["before"], entry["after"]) == ({"name": "ada"}, {"name": "Ada & Co"})


async def test_only_owners_delete_and_only_by_name(ada: Person, join: Join) -> None:
    grace = await join("grace", "admin")
    for path, method in (("/tenants/current", "DELETE"), ("/tenants/current/restore", "POST")):
        refused = await grace.api.request(method, f"/api/v1{path}", json={"confirm": "ada"})
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    wrong = await ada.api.request("DELETE", "/api/v1/tenants/current", json={"confirm": "grace"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "not_confirmed")
    assert (await ada.get("/tenants/current"))["delete_at"] is None


async def test_a_deleted_tenant_works_on_says_when_it_ends_and_can_be_restored(
    platform: Platform, ada: Person, database_url: str
) -> None:
    await _delete(ada)
    ends = (await ada.get("/tenants/current"))["delete_at"]
    in_days = (datetime.fromisoformat(ends) - datetime.now(UTC)) / timedelta(days=1)
    assert 6.9 < in_days < 7.1
    assert (await ada.get("/auth/me"))["tenant"]["delete_at"] == ends
    with days_later(1):
        await _delete(ada)  # again: the end does not move
    assert (await ada.get("/tenants"))["items"][0]["delete_at"] == ends
    await platform.services.purger.round()
    await ada.put_job()
    restored = await ada.api.post("/api/v1/tenants/current/restore")
    assert (restored.status_code, restored.json()["delete_at"]) == (200, None)
    with days_later(8):
        await platform.services.purger.round()
        await platform.services.purger.round()
    assert (await ada.get("/jobs"))["items"]
    assert [len(audited(database_url, ada, f"tenant.{verb}")) for verb in ("deleted", "restored")] == [1, 1]


async def test_members_hear_of_it_once(mailing: Platform, sink: Sink) -> None:
    ada = await mailing.register("ada")
    await _delete(ada)
    await _delete(ada)
    await work(mailing)
    assert [mail["To"] for mail in sink.messages] == ["ada@example.org"]
    words = sink.messages[0].get_payload(decode=True)
    assert isinstance(words, bytes)
    assert b"works on until" in words
    await ada.api.post("/api/v1/tenants/current/restore")
    await _delete(ada)
    await ada.api.post("/api/v1/tenants/current/restore")
    await work(mailing)
    assert len(sink.messages) == 1  # restored before the mail went out


async def test_after_its_time_nothing_is_left_but_the_log(
    platform: Platform, ada: Person, rows: Count, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging_repository, "BATCH", 3)
    grace = await platform.register("grace")
    for person in (ada, grace):
        await fill(platform, person)
    before, others = rows(ada), rows(grace)
    assert {"runs", "run_outputs", "run_keys", "status_changes", "incidents", "endpoints"} <= set(before)
    await _delete(ada)
    with days_later(7, minutes=1):
        await platform.services.purger.round()
        # The doors are closed, and there is no way back.
        for path in ("/jobs", "/tenants/current"):
            assert (await ada.api.get(f"/api/v1{path}")).status_code == 401
        assert rows(ada)["runs"] == before["runs"]
        await platform.services.purger.round()
        assert "runs" in rows(ada)  # what is in flight may still be written
    with days_later(7, minutes=4):
        await platform.services.purger.round()
    assert set(rows(ada)) == _KEPT
    assert rows(grace) == others
    with pytest.raises(RepositoryMissing):
        await platform.services.git.head("ada")
    assert await platform.services.git.head("grace")
    assert len(audited(database_url, ada, "tenant.ended")) == 1
    # The slug is free again, for a tenant with a repository of its own.
    made = await grace.api.post("/api/v1/tenants", json={"slug": "ada"})
    assert made.status_code == 201


async def test_whoever_dies_in_the_middle_is_followed_by_another(
    platform: Platform, ada: Person, rows: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging_repository, "BATCH", 2)
    await fill(platform, ada)
    await _delete(ada)
    with days_later(7, minutes=1):
        await platform.services.purger.round()
    real, after = purging_repository.delete_some, 0
    rounds = 0
    with days_later(7, minutes=5):
        while True:
            after += 4
            left = after

            async def dying(*arguments: object) -> int:
                nonlocal left
                left -= 1
                if left < 0:
                    raise asyncio.CancelledError  # as a process that is told to end
                return await real(*arguments)  # type: ignore[arg-type]

            monkeypatch.setattr(purging_repository, "delete_some", dying)
            try:
                await platform.services.purger.round()
            except asyncio.CancelledError:
                rounds += 1
                continue
            break
    assert rounds > 3
    assert set(rows(ada)) == _KEPT


async def test_a_git_host_that_is_away_is_asked_again_and_keeps_nobody_waiting(
    platform: Platform, ada: Person, rows: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    grace = await platform.register("grace")
    for person in (ada, grace):
        await _delete(person)
    real = platform.services.git.delete_repository

    async def away(slug: str) -> None:
        if slug == "ada":
            raise GitUnavailable("no answer")
        await real(slug)

    monkeypatch.setattr(platform.services.git, "delete_repository", away)
    with days_later(7, minutes=1):
        await platform.services.purger.round()
    with days_later(7, minutes=5):
        await platform.services.purger.round()
        assert "tenants" in rows(ada)
        assert "tenants" not in rows(grace)
        monkeypatch.undo()
        await platform.services.purger.round()
    assert set(rows(ada)) == _KEPT


async def test_two_workers_at_once_do_it_together(platform: Platform, ada: Person, rows: Count) -> None:
    await fill(platform, ada)
    await _delete(ada)
    purger = platform.services.purger
    with days_later(7, minutes=1):
        await asyncio.gather(purger.round(), purger.round())
    with days_later(7, minutes=5):
        await asyncio.gather(purger.round(), purger.round())
        await purger.round()
    assert set(rows(ada)) == _KEPT


async def test_members_of_an_ended_tenant_keep_their_own(platform: Platform, ada: Person, join: Join) -> None:
    grace = await join("grace", "editor")
    await _delete(ada)
    with days_later(7, minutes=1):
        await platform.services.purger.round()
        assert (await grace.api.get("/api/v1/tenants")).status_code == 401
    signed_in = await platform.client().post(
        "/api/v1/auth/login",
        json={"login": "grace", "password": "correct horse battery", "mode": "token"},
    )
    assert [each["slug"] for each in signed_in.json()["tenants"]] == ["grace"]
