"""`crontopus-server rotate-keys`: another secret, and nothing that anybody holds stops working on the way."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from sqlalchemy import LargeBinary

from crontopus_api.gitstore.signing import succession
from crontopus_api.kit.crypto import Keyring, Place, SealBroken
from crontopus_api.kit.database import Base
from crontopus_api.kit.errors import Invalid
from crontopus_api.kit.ids import uuid7
from crontopus_api.kit.links import Links
from crontopus_api.server import rotation
from crontopus_api.server.errors import ServerError
from crontopus_api.settings import (
    Settings,
    SettingsError,
    load_previous_secret_key,
    load_secret_key,
    renew_secret_key,
)

from ..platform import Person, Platform, running_platform
from ..postgres import service_url

OLD, NEW = "the old secret of this test, long", "the new secret of this test, long"
# Bytes that are no sealed secrets.
OTHER_BYTES = {"digest", "public_key", "content", "message"}


class Held:
    """What people have from before: a job's key, the tenant's key, a badge."""

    def __init__(self, ping_url: str, tenant_url: str, badge_url: str) -> None:
        self.ping_url, self.tenant_url, self.badge_url = ping_url, tenant_url, badge_url

    async def works(self, platform: Platform) -> dict[str, int]:
        client = platform.client()
        urls = {"job": self.ping_url, "tenant": f"{self.tenant_url}/hello", "badge": self.badge_url}
        return {
            name: (await client.get(httpx.URL(url).raw_path.decode())).status_code
            for name, url in urls.items()
        }


EVERYTHING = {"job": 200, "tenant": 200, "badge": 200}


@asynccontextmanager
async def installation(
    url: str, data: Path, secret: str, previous: str | None = None
) -> AsyncIterator[Platform]:
    async with running_platform(url, data, secret_key=secret, secret_key_previous=previous) as platform:
        yield platform


async def settle(platform: Platform) -> tuple[Person, Held]:
    ada = await platform.register("ada")
    job = await ada.put_job("default/hello", schedule="every 15m")
    await ada.put_job("default/other", schedule="every 15m")
    tenant_key = await ada.get("/ping-key")
    badge = await ada.get("/jobs/default/hello/badge")
    return ada, Held(job["ping_url"], tenant_key["url"], badge["json_url"])


async def rotate(url: str, data: Path, secret: str = NEW, previous: str | None = OLD) -> str:
    told = StringIO()
    settings = Settings(
        data_dir=data, database_url=service_url(url), secret_key=secret, secret_key_previous=previous
    )
    await rotation.rotate(settings, Console(file=told, width=200))
    return told.getvalue()


async def test_nothing_stops_working_on_the_way(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    async with installation(database_url, data, OLD) as platform:
        ada, held = await settle(platform)
        assert await held.works(platform) == EVERYTHING
    async with installation(database_url, data, NEW, OLD) as platform:
        assert await held.works(platform) == EVERYTHING
        with monkeypatch.context() as patched:
            patched.setattr(rotation, "_write", _killed)
            with pytest.raises(KeyboardInterrupt):
                await rotate(database_url, data)
        assert await held.works(platform) == EVERYTHING
        assert (await rotate(database_url, data)).strip() == "3 values are sealed with the new secret now."
        assert (await rotate(database_url, data)).strip() == "0 values are sealed with the new secret now."
        assert await held.works(platform) == EVERYTHING
    async with installation(database_url, data, NEW) as platform:
        assert await held.works(platform) == {**EVERYTHING, "badge": 404}
        client = platform.client(ada.token)
        shown = (await client.get("/api/v1/jobs/default/hello")).json()
        assert shown["ping_url"] == held.ping_url


async def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


async def test_commits_of_before_are_still_verified(database_url: str, tmp_path: Path) -> None:
    data, signers = tmp_path / "data", tmp_path / "signers"
    async with installation(database_url, data, OLD) as platform:
        await settle(platform)
        former = (await platform.client().get("/api/v1/signers")).json()
        assert former["retired"] == []
    await rotate(database_url, data)
    async with installation(database_url, data, NEW) as platform:
        answer = (await platform.client().get("/api/v1/signers")).json()
    assert [each["fingerprint"] for each in answer["retired"]] == [former["current"]["fingerprint"]]
    assert "valid-before=" in answer["allowed_signers"]
    signers.write_text(answer["allowed_signers"])
    [repository] = [
        path.parent for path in (data / "repositories").rglob("HEAD") if (path.parent / "refs").is_dir()
    ]
    command = [
        "git",
        "-C",
        str(repository),
        "-c",
        f"gpg.ssh.allowedSignersFile={signers}",
        "verify-commit",
        "main",
    ]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def test_agents_are_told_by_the_old_key_which_one_follows(database_url: str, tmp_path: Path) -> None:
    async def known(platform: Platform) -> tuple[str, list[tuple[str, str]]]:
        async with platform.services.database.session() as session:
            signers = await platform.services.machines.signers_of(session)
        for each in signers.successions:
            assert each.message == succession(each.old, each.new, each.at)
            assert each.signature.startswith("-----BEGIN SSH SIGNATURE-----")
        return signers.current, [(each.old, each.new) for each in signers.successions]

    data = tmp_path / "data"
    async with installation(database_url, data, OLD) as platform:
        old, none = await known(platform)
        assert none == []
    async with installation(database_url, data, NEW, OLD) as platform:  # before anybody ran rotate-keys
        new, steps = await known(platform)
        assert steps == [(old, new)]
    await rotate(database_url, data)
    async with installation(database_url, data, NEW) as platform:
        assert await known(platform) == (new, [(old, new)])


async def test_a_value_of_neither_secret_is_told_and_left(database_url: str, tmp_path: Path) -> None:
    async with installation(
        database_url, tmp_path / "data", "a third secret that nobody has any more"
    ) as platform:
        await settle(platform)
    with pytest.raises(ServerError, match="3 values open with neither secret"):
        await rotate(database_url, tmp_path / "data")


async def test_without_a_previous_secret_there_is_nothing_to_do(database_url: str, tmp_path: Path) -> None:
    for previous in (None, NEW):
        with pytest.raises(ServerError, match="no previous secret"):
            await rotate(database_url, tmp_path, previous=previous)


def test_a_generated_secret_is_renewed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, secret_key=None)
    first = load_secret_key(settings)
    (tmp_path / "secret.key.previous").hardlink_to(tmp_path / "secret.key")  # killed right there
    renew_secret_key(settings)
    assert load_previous_secret_key(settings) == first
    assert load_secret_key(settings) not in {first, b""}
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(SettingsError, match="still there"):
        renew_secret_key(settings)
    with pytest.raises(SettingsError, match="CRONTOPUS_SECRET_KEY is set"):
        renew_secret_key(Settings(data_dir=tmp_path, secret_key=NEW))


def test_every_sealed_column_is_rotated() -> None:
    sealed = {(each.table, each.column) for each in rotation.SEALED}
    found = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name not in OTHER_BYTES
    }
    assert found == sealed, "add it to SEALED in server/rotation.py, or to OTHER_BYTES here"


def test_values_from_before_keys_had_numbers_open() -> None:
    place = Place("t", uuid7(), "r")
    ring = Keyring(b"a" * 32)
    unnumbered = b"\x01" + ring.seal(b"x", place)[1:]
    assert ring.open(unnumbered, place) == b"x"
    assert ring.reseal(unnumbered, place) is None
    with pytest.raises(SealBroken):
        Keyring(b"b" * 32).open(unnumbered, place)
    moved = Keyring(b"b" * 32, b"a" * 32).reseal(unnumbered, place)
    assert moved is not None
    assert Keyring(b"b" * 32).open(moved, place) == b"x"


def test_links_of_before_are_believed_and_new_ones_made() -> None:
    old, both, new = Links(b"a" * 32), Links(b"b" * 32, b"a" * 32), Links(b"b" * 32)
    assert both.read("reset", old.make("reset", {"id": 1}), max_age_seconds=60) == {"id": 1}
    assert new.read("reset", both.make("reset", {"id": 2}), max_age_seconds=60) == {"id": 2}
    with pytest.raises(Invalid):
        new.read("reset", old.make("reset", {"id": 3}), max_age_seconds=60)
