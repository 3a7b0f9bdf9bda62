"""The export of a tenant: whole, of one instant, in little memory, and without a secret."""

import base64
import io
import json
import os
import subprocess
import tracemalloc
import zipfile
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import LargeBinary

from crontopus_api.gitstore.bare.bundles import Bundle
from crontopus_api.gitstore.errors import GitUnavailable
from crontopus_api.identity.tenancy.exporting import tables
from crontopus_api.kit.ids import uuid7

from ..platform import PASSWORD, Person, Platform
from .test_life import Count, fill, rows

Join = Callable[[str, str], Awaitable[Person]]
assert rows  # a fixture


async def _export(person: Person) -> zipfile.ZipFile:
    answer = await person.api.get("/api/v1/tenants/current/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


def _rows(archive: zipfile.ZipFile, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(f"{table}.ndjson").splitlines()]


def _git(*arguments: str | Path, cwd: Path) -> str:
    done = subprocess.run(["git", *arguments], cwd=cwd, check=True, capture_output=True, text=True)
    return done.stdout.strip()


async def test_the_bundle_clones_and_counts_equal_the_database(
    platform: Platform, ada: Person, join: Join, rows: Count, tmp_path: Path
) -> None:
    await join("grace", "editor")
    mallory = await platform.register("mallory")
    for person in (ada, mallory):
        await fill(platform, person)
    archive = await _export(ada)
    manifest = json.loads(archive.read("manifest.json"))
    assert archive.namelist()[-1] == "manifest.json"

    (tmp_path / "repository.bundle").write_bytes(archive.read("repository.bundle"))
    _git("clone", "--quiet", "repository.bundle", "clone", cwd=tmp_path)
    assert (tmp_path / "clone/default/job-1.yaml").exists()
    assert _git("rev-parse", "HEAD", cwd=tmp_path / "clone") == manifest["repository_head"]
    assert manifest["repository_head"] == await platform.services.git.head("ada")

    counted = rows(ada)
    told = {name.removesuffix(".ndjson"): number for name, number in manifest["rows"].items()}
    assert {"runs", "run_outputs", "incidents", "endpoints", "memberships", "audit_log", "tokens"} <= set(
        told
    )
    for name, number in told.items():
        assert number == counted.get(name, 0) == len(_rows(archive, name)), name
    missing = set(counted) - set(told) - {"tenants"}
    assert missing <= tables._LEFT_OUT
    settings = json.loads(archive.read("settings.json"))
    assert settings["tenant"]["slug"] == "ada"
    assert {each["username"]: each["role"] for each in settings["members"]} == {
        "ada": "owner",
        "grace": "editor",
    }
    assert {each["content"] for each in _rows(archive, "run_outputs")} == {"all is well", "it broke"}
    whole = b"".join(archive.read(name) for name in archive.namelist())
    assert str(mallory.tenant_id).encode() not in whole
    assert b"mallory" not in whole


async def test_no_secret_is_inside(
    platform: Platform, ada: Person, join: Join, postgres_url: str, database_url: str
) -> None:
    grace = await join("grace", "admin")
    await fill(platform, ada)
    job = (await ada.get("/jobs/default/job-1"))["ping_url"]
    key = (await ada.get("/ping-key"))["key"]
    made = (await ada.api.post("/api/v1/tokens", json={"name": "ci"})).json()["secret"]
    enrol = (await ada.api.post("/api/v1/enrollment-tokens", json={})).json()["secret"]
    secrets = [ada.token, grace.token, made, enrol, key, job.rsplit("/", 1)[1], PASSWORD, "argon2"]
    secrets.append(platform.services.settings.data_dir.joinpath("secret.key").read_text().strip())
    stored: list[bytes] = []
    url = psycopg.conninfo.make_conninfo(
        postgres_url, dbname=psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    )
    with psycopg.connect(url) as connection:
        for query in (
            "SELECT digest FROM tokens",
            "SELECT digest FROM job_ping_keys",
            "SELECT sealed FROM job_ping_keys",
            "SELECT digest FROM tenant_ping_keys",
            "SELECT sealed FROM tenant_ping_keys",
        ):
            found = [row[0] for row in connection.execute(query)]
            assert found, query
            stored += found
        secrets += [row[0] for row in connection.execute("SELECT password_hash FROM users")]
    archive = await _export(grace)
    whole = b"".join(archive.read(name) for name in archive.namelist() if name != "repository.bundle")
    for secret in secrets:
        assert secret.encode() not in whole, secret
    for value in stored:
        for form in (value, value.hex().encode(), base64.b64encode(value), base64.urlsafe_b64encode(value)):
            assert form.rstrip(b"=") not in whole


def test_bytes_are_not_exported_but_what_runs_printed() -> None:
    stored = {
        f"{table.name}.{column.name}"
        for table in tables.exported()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert "run_outputs.content" in stored
    assert {"tokens.digest", "endpoints.public_key"} <= stored  # these are what `pages` leaves out


async def test_all_rows_are_of_one_instant_and_the_repository_is_no_older(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job is made and run between the moment the rows are seen and the moment they are read."""
    await fill(platform, ada)
    before = len((await ada.get("/runs"))["items"])
    real = platform.services.git.backup

    async def meanwhile(slug: str, target: Path) -> Bundle:
        job = await ada.put_job("default/later")
        await platform.ping(job["ping_url"], "too late")
        return await real(slug, target)

    monkeypatch.setattr(platform.services.git, "backup", meanwhile)
    archive = await _export(ada)
    assert len(_rows(archive, "runs")) == before
    assert "later" not in {job["name"] for job in _rows(archive, "jobs")}
    assert {row["content"] for row in _rows(archive, "run_outputs")} == {"all is well", "it broke"}
    assert len((await ada.get("/runs"))["items"]) == before + 1


async def test_memory_stays_small_however_much_there_is(
    platform: Platform, ada: Person, postgres_url: str, database_url: str
) -> None:
    """120 MB of outputs."""
    text = os.urandom(100_000).hex()
    url = psycopg.conninfo.make_conninfo(
        postgres_url, dbname=psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    )
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO run_outputs (tenant_id, partition_at, run_id, content) VALUES (%s, now(), %s, %s)",
            [(ada.tenant_id, uuid7(), zlib.compress(text.encode(), 1)) for _ in range(600)],
        )
    received = 0
    tracemalloc.start()
    try:
        principal = await platform.services.identity.authenticate(ada.token)
        async for chunk in platform.services.exports.stream(principal):
            received += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received > 30_000_000
    assert peak < 30_000_000
    assert list(platform.services.settings.exports_dir.iterdir()) == []


async def test_who_goes_away_leaves_nothing_behind(platform: Platform, ada: Person) -> None:
    await fill(platform, ada)
    principal = await platform.services.identity.authenticate(ada.token)
    chunks = platform.services.exports.stream(principal)
    assert (await anext(chunks)).startswith(b"PK")
    await chunks.aclose()
    assert list(platform.services.settings.exports_dir.iterdir()) == []
    assert platform.services.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_a_repository_that_cannot_be_read_is_said_before_anything_is_sent(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada.put_job()

    async def away(slug: str, target: Path) -> Bundle:
        raise GitUnavailable("no answer")

    monkeypatch.setattr(platform.services.git, "backup", away)
    answer = await ada.api.get("/api/v1/tenants/current/export")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "retry-after" in answer.headers


async def test_what_breaks_in_the_middle_is_no_archive(
    platform: Platform, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(platform, ada)
    real = tables.lines

    def failing(table: Any, rows_: Any) -> bytes:
        if table.name == "runs":
            raise OSError("No space left on device")
        return real(table, rows_)

    monkeypatch.setattr(tables, "lines", failing)
    principal = await platform.services.identity.authenticate(ada.token)
    got = bytearray()

    async def receive() -> None:
        async for chunk in platform.services.exports.stream(principal):
            got.extend(chunk)

    with pytest.raises(OSError, match="No space"):
        await receive()
    assert got
    assert not zipfile.is_zipfile(io.BytesIO(got))


async def test_a_new_tenant_has_an_export_without_a_repository(platform: Platform, ada: Person) -> None:
    archive = await _export(ada)
    assert json.loads(archive.read("manifest.json"))["repository_head"] is None
    assert "repository.bundle" not in archive.namelist()


async def test_only_administrators_export(platform: Platform, ada: Person, join: Join) -> None:
    eve = await join("eve", "editor")
    assert (await eve.api.get("/api/v1/tenants/current/export")).status_code == 403
    assert (await platform.client().get("/api/v1/tenants/current/export")).status_code == 401
