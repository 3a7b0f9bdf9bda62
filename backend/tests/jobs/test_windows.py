"""Maintenance windows in Git change what is expected of the jobs they are about."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from crontopus_api.jobs.models import Instance, InstanceStatus

from ..platform import Person, Platform
from .git import branch_with

WINDOW = """apiVersion: crontopus/v1
kind: MaintenanceWindow
metadata:
  name: upgrade
spec:
  match: {{namespaces: [default]}}
  start: {start}
  end: {end}
"""
PATH = ".crontopus/windows/upgrade.yaml"


@pytest.fixture
def places(tmp_path: Path) -> list[Path]:
    """Folders to clone into, one for each push."""
    found = [tmp_path / name for name in ("first", "second")]
    for place in found:
        place.mkdir()
    return found


async def _push(platform: Platform, person: Person, scratch: Path, content: bytes | None) -> None:
    await branch_with(platform, scratch, {PATH: content}, name="main")
    await platform.services.projector.project(person.tenant_id)


async def _dues(platform: Platform, person: Person) -> dict[UUID, datetime | None]:
    async with platform.services.database.tenant(person.tenant_id) as session:
        query = select(Instance.job_id, InstanceStatus.due_at).join(
            InstanceStatus, InstanceStatus.instance_id == Instance.id
        )
        return {row.job_id: row.due_at for row in await session.execute(query)}


async def test_a_window_moves_what_is_due_and_its_end_moves_it_back(
    platform: Platform, ada: Person, places: list[Path]
) -> None:
    inside = await ada.put_job("default/inside", schedule="*/10 * * * *")
    outside = await ada.put_job("other/outside", schedule="*/10 * * * *")
    for job in (inside, outside):
        await platform.ping(job["ping_url"])
    before = await _dues(platform, ada)
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    end = start + timedelta(hours=3)
    text = WINDOW.format(start=f"{start:%Y-%m-%dT%H:%M:%SZ}", end=f"{end:%Y-%m-%dT%H:%M:%SZ}")
    await _push(platform, ada, places[0], text.encode())
    during = await _dues(platform, ada)
    moved = during[UUID(inside["id"])]
    assert moved is not None
    assert end <= moved < end + timedelta(minutes=10)
    assert during[UUID(outside["id"])] == before[UUID(outside["id"])]
    # A job that is written while the window lasts knows of it as well.
    again = await ada.put_job("default/inside", schedule="*/20 * * * *")
    moved = (await _dues(platform, ada))[UUID(again["id"])]
    assert moved is not None
    assert moved >= end
    await _push(platform, ada, places[1], None)
    after = (await _dues(platform, ada))[UUID(again["id"])]
    assert after is not None
    assert after < start + timedelta(minutes=42)


async def test_what_is_overdue_stays_due_when_a_window_comes(
    platform: Platform, ada: Person, places: list[Path]
) -> None:
    await ada.put_job("default/late", schedule="* * * * *", grace="1h")
    await platform.ping((await ada.get("/jobs/default/late"))["ping_url"])
    due = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    async with platform.services.database.tenant(ada.tenant_id) as session:
        status = (await session.scalars(select(InstanceStatus))).one()
        status.due_at = due
    start = due + timedelta(minutes=1)
    text = WINDOW.format(start=f"{start:%Y-%m-%dT%H:%M:%SZ}", end="2099-01-01T00:00:00Z")
    await _push(platform, ada, places[0], text.encode())
    assert list((await _dues(platform, ada)).values()) == [due]
