"""`crontopus-server backup` of a running installation, and `restore` into an empty directory."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from crontopus_api.gitstore.embedded.host import EmbeddedGitHost
from crontopus_api.server.backup import backup
from crontopus_api.server.errors import AlreadyRunningError, ServerError
from crontopus_api.server.locks import FileLock
from crontopus_api.server.migrations import migrate
from crontopus_api.server.postgres import ensure_database
from crontopus_api.server.postgres_clients import run_client
from crontopus_api.server.restore import restore
from crontopus_api.settings import Settings, load_secret_key
from crontopus_api.worker.repositories import RepositoryUpkeep

from ..platform import Platform, running_platform


@asynccontextmanager
async def installation(data_dir: Path) -> AsyncIterator[Platform]:
    """The whole product on an embedded PostgreSQL of its own."""
    settings = Settings(data_dir=data_dir)
    with ensure_database(settings, owner=True) as url:
        await asyncio.to_thread(migrate, url)
        async with running_platform(url, data_dir) as platform:
            yield platform


def nobody(_: str) -> None:
    """Nobody listens."""


async def test_a_backup_taken_while_people_work_comes_back(tmp_path: Path) -> None:
    """Jobs change and a tenant registers between the database's dump and the repositories' bundles."""
    settings, target = Settings(data_dir=tmp_path / "data"), tmp_path / "backups" / "monday"
    said: list[str] = []
    async with installation(settings.data_dir) as platform:
        ada = await platform.register("ada")
        await ada.put_job("default/before")
        await ada.put_job("default/gone")
        loop = asyncio.get_running_loop()

        async def work() -> None:
            await ada.put_job("default/between", schedule="7 7 * * *")
            answer = await ada.api.delete("/api/v1/jobs/default/gone")
            assert answer.status_code in {200, 204}, answer.text
            late = await platform.register("late")
            await late.put_job("default/x")

        def say(line: str) -> None:
            said.append(line)
            if line.startswith("Database"):
                asyncio.run_coroutine_threadsafe(work(), loop).result()

        await asyncio.to_thread(backup, settings, target, database=True, say=say)
        before = await ada.get("/jobs/default/before")
    assert said[0] == "Database: dumped"
    assert {path.stat().st_mode & 0o077 for path in target.rglob("*")} == {0}

    again = Settings(data_dir=tmp_path / "restored")
    await asyncio.to_thread(restore, again, target, database=True, say=said.append)
    assert "Repository late: its tenant is younger than the database; not restored" in said
    async with installation(again.data_dir) as platform:
        await RepositoryUpkeep(platform.services).round()
        client = platform.client(ada.token)  # her token is still good
        jobs = (await client.get("/api/v1/jobs")).json()
        names = {job["name"] for job in jobs["items"]}
        assert names == {"before", "between"}
        after = (await client.get("/api/v1/jobs/default/before")).json()
        assert after == before
        ada.api = client
        await ada.put_job("default/new")
        late = await platform.register("late")  # the name is free
        await late.put_job("default/y")
    assert load_secret_key(settings) == load_secret_key(again)


async def prepared(tmp_path: Path) -> tuple[Settings, Path]:
    """A backup without database of one repository."""
    settings, target = Settings(data_dir=tmp_path / "data"), tmp_path / "backup"
    await EmbeddedGitHost(settings.repositories_dir).ensure_repository("acme", uuid4())
    await asyncio.to_thread(backup, settings, target, database=False, say=nobody)
    return settings, target


async def test_nothing_is_overwritten(tmp_path: Path) -> None:
    settings, target = await prepared(tmp_path)
    index = (target / "index.json").read_bytes()
    with pytest.raises(ServerError, match="never written over"):
        backup(settings, target, database=False, say=nobody)
    assert (target / "index.json").read_bytes() == index
    with pytest.raises(ServerError, match="has repositories"):
        await asyncio.to_thread(restore, settings, target, database=False, say=nobody)
    used = Settings(data_dir=tmp_path / "used")
    (used.postgres_dir / "data").mkdir(parents=True)
    with pytest.raises(ServerError, match="has a database"):
        await asyncio.to_thread(restore, used, target, database=True, say=nobody)


@pytest.mark.parametrize("damage", ["index.json", "repositories/acme.bundle", "bytes"])
async def test_an_incomplete_or_damaged_backup_is_refused(tmp_path: Path, damage: str) -> None:
    _, target = await prepared(tmp_path)
    if damage == "bytes":
        bundle = target / "repositories/acme.bundle"
        whole = bundle.read_bytes()
        bundle.write_bytes(whole[:-1] + bytes([whole[-1] ^ 0xFF]))
    else:
        (target / damage).unlink()
    fresh = Settings(data_dir=tmp_path / "fresh")
    with pytest.raises(ServerError, match=r"damaged|not a complete"):
        await asyncio.to_thread(restore, fresh, target, database=False, say=nobody)
    assert not fresh.data_dir.exists()


async def test_a_running_installation_is_not_restored_into(tmp_path: Path) -> None:
    _, target = await prepared(tmp_path)
    running = Settings(data_dir=tmp_path / "running")
    running.data_dir.mkdir()
    with FileLock(running.data_dir / "up.lock") as lock:
        lock.take()
        with pytest.raises(AlreadyRunningError):
            await asyncio.to_thread(restore, running, target, database=False, say=nobody)


async def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    settings, _ = await prepared(tmp_path)
    (settings.repositories_dir / "crontopus/job-manifests-acme.git/refs/heads/main").write_text(
        "0" * 39 + "1\n"
    )
    target = tmp_path / "second"
    with pytest.raises(ServerError, match="acme cannot be backed up"):
        await asyncio.to_thread(backup, settings, target, database=False, say=nobody)
    assert not target.exists()
    assert not (tmp_path / ".second.partial").exists()


def test_a_password_is_not_shown_to_the_machines_users(postgres_url: str, tmp_path: Path) -> None:
    """It goes to pg_dump by its environment; what fails does not print it either."""
    url = postgres_url.replace("postgres@", "postgres:s3cret-word@")
    run_client("pg_dump", url, "--schema-only", f"--file={tmp_path / 'dump'}")
    assert b"PostgreSQL database dump" in (tmp_path / "dump").read_bytes()
    with pytest.raises(ServerError) as caught:
        run_client("pg_dump", url, "--no-such-option")
    assert "s3cret-word" not in str(caught.value)


async def test_the_index_names_every_file(tmp_path: Path) -> None:
    _, target = await prepared(tmp_path)
    index = json.loads((target / "index.json").read_text())
    assert set(index["sha256"]) == {"repositories/acme.bundle"}
    assert index["heads"].keys() == {"acme"}
