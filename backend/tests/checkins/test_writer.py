"""The writer: quick where it remembers, right where it remembers wrongly, and safe while the database is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest

from crontopus_api.checkins.engine import MOST_OPEN_RUNS
from crontopus_api.checkins.journal import Journal
from crontopus_api.checkins.metrics import WAYS
from crontopus_api.checkins.records import CheckIn, Output, Target
from crontopus_api.kit.ids import uuid7

from ..platform import Person, Platform, running_platform


def written(way: str) -> float:
    return WAYS.labels(way)._value.get()


async def runs_of(person: Person, name: str = "default/hello") -> list[dict[str, object]]:
    return (await person.get("/runs", job=name, limit=200))["items"]


async def state_of(person: Person, name: str = "default/hello") -> str:
    return (await person.get(f"/jobs/{name}"))["state"]


class TestRemembering:
    async def test_the_second_ping_needs_no_look_up(self, platform: Platform, ada: Person) -> None:
        job = await ada.put_job()
        await platform.ping(job["ping_url"])
        before = written("looked up"), written("remembered")
        await platform.ping(job["ping_url"], "done")
        assert (written("looked up"), written("remembered")) == (before[0], before[1] + 1)
        assert len(await runs_of(ada)) == 2

    async def test_a_start_and_its_end_are_one_run(self, platform: Platform, ada: Person) -> None:
        job = await ada.put_job()
        await platform.ping(job["ping_url"])
        before = written("looked up")
        await platform.ping(job["ping_url"] + "/start")
        assert await state_of(ada) == "running"
        await platform.ping(job["ping_url"] + "/3")
        assert written("looked up") == before
        newest, oldest = await runs_of(ada)
        assert (newest["state"], newest["exit_code"], oldest["state"]) == ("failure", 3, "success")
        assert await state_of(ada) == "failing"

    async def test_a_start_too_many_gives_up_the_oldest_run(self, platform: Platform, ada: Person) -> None:
        job = await ada.put_job()
        await platform.ping(job["ping_url"])
        before = written("looked up")
        for _ in range(MOST_OPEN_RUNS + 1):
            await platform.ping(job["ping_url"] + "/start")
        assert written("looked up") == before
        states = [run["state"] for run in await runs_of(ada)]
        assert states == ["running"] * MOST_OPEN_RUNS + ["lost", "success"]

    async def test_what_was_changed_meanwhile_is_looked_up(self, platform: Platform, ada: Person) -> None:
        job = await ada.put_job(alerts={"failureThreshold": 1})
        await platform.ping(job["ping_url"])
        # Another threshold: nothing of the status itself changes.
        await ada.put_job(alerts={"failureThreshold": 3})
        before = written("looked up")
        await platform.ping(job["ping_url"] + "/fail")
        assert written("looked up") == before + 1
        assert await state_of(ada) == "healthy"

    async def test_a_paused_job_stays_paused(self, platform: Platform, ada: Person) -> None:
        job = await ada.put_job()
        await platform.ping(job["ping_url"])
        await ada.api.post("/api/v1/jobs/default/hello/pause")
        await platform.ping(job["ping_url"] + "/fail")
        assert await state_of(ada) == "paused"

    async def test_a_deleted_jobs_address_is_gone(self, platform: Platform, ada: Person) -> None:
        job = await ada.put_job()
        await platform.ping(job["ping_url"])
        await ada.api.delete("/api/v1/jobs/default/hello")
        assert (await platform.ping(job["ping_url"])).status_code == 404

    async def test_many_of_one_instance_at_once_all_count_in_order(
        self, platform: Platform, ada: Person
    ) -> None:
        job = await ada.put_job()
        await platform.ping(job["ping_url"])
        actions = ["/start", "", "/fail", "/start", "/log", "/7"] * 5
        answers = await asyncio.gather(*[platform.ping(job["ping_url"] + action) for action in actions])
        assert [answer.status_code for answer in answers] == [200] * len(actions)
        states = [run["state"] for run in await runs_of(ada)]
        assert sorted(states) == sorted(["success"] + ["success", "failure", "failure"] * 5)

    async def test_a_second_of_one_instance_waits_for_the_next_batch(
        self, platform: Platform, ada: Person
    ) -> None:
        jobs = [await ada.put_job(f"default/job-{n}") for n in range(9)]
        for job in jobs:
            await platform.ping(job["ping_url"])
        before = written("looked up")
        actions = [(0, "/start"), (0, "/3"), *((n, "") for n in range(1, 9))]
        await asyncio.gather(*[platform.ping(jobs[n]["ping_url"] + action) for n, action in actions])
        assert written("looked up") == before
        states = [run["state"] for run in await runs_of(ada, "default/job-0")]
        assert states == ["failure", "success"]

    async def test_what_must_be_looked_up_does_not_overtake_a_second(
        self, platform: Platform, ada: Person
    ) -> None:
        jobs = [await ada.put_job(f"default/job-{n}") for n in range(9)]
        for job in jobs:
            await platform.ping(job["ping_url"])
        by_name = f"?rid={uuid7()}"  # a run id of the sender's own is always looked up
        actions = [(0, "/start"), (0, "/3"), (0, "/start" + by_name), (0, "/0" + by_name)]
        actions += [(n, "") for n in range(1, 9)]
        await asyncio.gather(*[platform.ping(jobs[n]["ping_url"] + action) for n, action in actions])
        states = [run["state"] for run in await runs_of(ada, "default/job-0")]
        assert states == ["success", "failure", "success"]
        assert await state_of(ada, "default/job-0") == "healthy"

    async def test_one_that_cannot_be_written_fails_alone(self, platform: Platform, ada: Person) -> None:
        job = await ada.put_job()
        await platform.ping(job["ping_url"])
        instance = job["instances_list"][0]["id"]
        target = Target(tenant_id=ada.tenant_id, instance_id=UUID(instance))
        bad = CheckIn(uuid7(), target, "finish", "api", message="no \0 in PostgreSQL")
        good = [platform.ping(job["ping_url"]) for _ in range(3)]
        refused, *answers = await asyncio.gather(
            platform.services.ingest.writer.submit(bad), *good, return_exceptions=True
        )
        assert isinstance(refused, Exception)
        assert [answer.status_code for answer in answers] == [200] * 3
        assert len(await runs_of(ada)) == 4


@asynccontextmanager
async def database_away(database_url: str, admin_url: str) -> AsyncIterator[None]:
    """Nobody can connect, and who is connected is cut off: PostgreSQL stopped, as far as a client can tell."""
    name = urlsplit(database_url).path.lstrip("/")
    async with await psycopg.AsyncConnection.connect(admin_url, autocommit=True) as admin:
        await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
            )
            yield
        finally:
            await admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


async def all_written(platform: Platform) -> None:
    await asyncio.wait_for(platform.services.ingest.writer.settled(), 20)


class TestMany:
    async def test_of_many_instances_at_once_each_is_heard_in_order(
        self, platform: Platform, ada: Person
    ) -> None:
        """Several groups are on their way at the same time."""
        urls = [(await ada.put_job(f"default/job-{n}"))["ping_url"] for n in range(20)]
        calls = [url + action for action in ("/start", "/7", "/start", "") for url in urls]
        answers = await asyncio.gather(*[platform.ping(url) for url in calls])
        assert {answer.status_code for answer in answers} == {200}
        for n in range(20):
            newest, oldest = await runs_of(ada, f"default/job-{n}")
            assert (oldest["state"], oldest["exit_code"], newest["state"]) == ("failure", 7, "success")
            assert newest["started_at"] is not None

    async def test_what_changes_at_every_check_in_is_in_no_index(self, database_url: str) -> None:
        """Else each would write entries into all of them (no heap-only update)."""
        with psycopg.connect(database_url) as connection:
            rows = connection.execute(
                "SELECT DISTINCT a.attname FROM pg_index i JOIN pg_depend d"
                " ON d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid AND d.refobjid = i.indrelid"
                " JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
                " WHERE i.indrelid = 'instance_status'::regclass"
            ).fetchall()
        assert {row[0] for row in rows} <= {"tenant_id", "instance_id", "deadline_at", "warned"}


class TestDatabaseAway:
    async def test_known_jobs_may_go_on_reporting(
        self, platform: Platform, ada: Person, database_url: str, postgres_url: str, tmp_path: Path
    ) -> None:
        known, unknown = await ada.put_job("default/known"), await ada.put_job("default/unknown")
        await platform.ping(known["ping_url"])
        async with database_away(database_url, postgres_url):
            started = await platform.ping(known["ping_url"] + "/start")
            ended = await platform.ping(known["ping_url"] + "/5", "it broke")
            refused = await platform.ping(unknown["ping_url"])
            assert (started.status_code, ended.status_code, refused.status_code) == (200, 200, 503)
            assert refused.headers["retry-after"]
        await all_written(platform)
        runs = await runs_of(ada, "default/known")
        assert [(run["state"], run["exit_code"]) for run in runs] == [("failure", 5), ("success", None)]
        assert await state_of(ada, "default/known") == "failing"
        assert [path.stat().st_size for path in (tmp_path / "data" / "journal").iterdir()] == [0]

    async def test_what_comes_while_the_journal_is_read_comes_after_it(
        self, platform: Platform, ada: Person, database_url: str, postgres_url: str
    ) -> None:
        job = await ada.put_job()
        await platform.ping(job["ping_url"])
        async with database_away(database_url, postgres_url):
            for number in range(20):
                assert (await platform.ping(f"{job['ping_url']}/{number}")).status_code == 200
        for number in range(20, 40):
            assert (await platform.ping(f"{job['ping_url']}/{number}")).status_code == 200
        await all_written(platform)
        runs = await runs_of(ada)
        assert [run["exit_code"] for run in reversed(runs)][1:] == list(range(40))

    async def test_a_journal_read_twice_counts_once(self, database_url: str, tmp_path: Path) -> None:
        async with running_platform(database_url, tmp_path / "data") as platform:
            ada = await platform.register("ada")
            job = await ada.put_job(alerts={"failureThreshold": 5})
            await platform.ping(job["ping_url"])
            target = Target(tenant_id=ada.tenant_id, instance_id=UUID(job["instances_list"][0]["id"]))
            at = platform.services.ingest.writer.now()
            kept = [
                CheckIn(uuid7(), target, kind, "ping", at=at, outcome="failure", minted=True)
                for kind in ("start", "finish", "finish", "log")
            ]
            kept.append(
                CheckIn(
                    uuid7(), target, "finish", "ping", at=at, run_key=uuid7(), outcome="failure", minted=True
                )
            )
            kept.append(
                CheckIn(
                    uuid7(),
                    target,
                    "finish",
                    "ping",
                    at=at,
                    outcome="failure",
                    minted=True,
                    output=Output(b"x", 1, False),
                )
            )
        for _ in range(2):
            left = Journal(tmp_path / "data" / "journal")
            left.append(kept)
            left.close()
            async with running_platform(database_url, tmp_path / "data") as platform:
                reader = platform.client(ada.token)
                await all_written(platform)
                runs = (await reader.get("/api/v1/runs")).json()["items"]
                # The first ping, the pair, the lone end, the one with an id, the one that printed; the log by itself.
                assert len(runs) == 6
                job = (await reader.get("/api/v1/jobs/default/hello")).json()
                assert job["state"] == "healthy"  # four failures, where five would make it fail

    async def test_without_a_journal_nothing_is_promised(
        self, database_url: str, postgres_url: str, tmp_path: Path
    ) -> None:
        async with running_platform(database_url, tmp_path / "data", journal=False) as platform:
            ada = await platform.register("ada")
            job = await ada.put_job()
            await platform.ping(job["ping_url"])
            async with database_away(database_url, postgres_url):
                assert (await platform.ping(job["ping_url"])).status_code == 503

    async def test_a_full_disk_is_no_false_ok(
        self,
        platform: Platform,
        ada: Person,
        database_url: str,
        postgres_url: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        job = await ada.put_job()
        await platform.ping(job["ping_url"])

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("crontopus_api.checkins.journal.os.pwrite", full)
        async with database_away(database_url, postgres_url):
            assert (await platform.ping(job["ping_url"])).status_code == 503
        monkeypatch.undo()
        assert (await platform.ping(job["ping_url"])).status_code == 200
        assert len(await runs_of(ada)) == 2
