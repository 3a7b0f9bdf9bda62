"""Slugs while the database is away: those that this process has seen are still known."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crontopus_api.checkins.doors.directory import Directory
from crontopus_api.checkins.doors.names import Slug
from crontopus_api.kit.database import Database
from crontopus_api.kit.errors import Unavailable

from ...platform import Person, Platform
from .senders import tenant_key


@pytest.fixture
async def nobody_there(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"postgresql://nobody@/nothing?host={tmp_path}")
    yield database
    await database.close()


async def test_what_was_known_last_stands_in(platform: Platform, ada: Person, nobody_there: Database) -> None:
    services, key = platform.services, await tenant_key(ada)
    await ada.put_job()
    directory = Directory(services.database, services.keyring)
    there = await directory.find(key, Slug(None, "hello"))
    assert await directory.find(key, Slug(None, "unseen")) is not None
    directory._database = nobody_there
    assert await directory.find(key, Slug(None, "hello")) == there
    for slug in (Slug(None, "unseen"), Slug("default", "hello")):
        with pytest.raises(Unavailable):
            await directory.find(key, slug)


async def test_what_has_gone_is_not_remembered(
    platform: Platform, ada: Person, nobody_there: Database
) -> None:
    services, key = platform.services, await tenant_key(ada)
    await ada.put_job()
    directory = Directory(services.database, services.keyring)
    await directory.find(key, Slug(None, "hello"))
    await ada.api.post("/api/v1/ping-key/rotate")
    assert await directory.find(key, Slug(None, "hello")) is None
    directory._database = nobody_there
    with pytest.raises(Unavailable):
        await directory.find(key, Slug(None, "hello"))
