"""The audit log takes entries and gives none back."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crontopus_api.kit import audit
from crontopus_api.kit.caller import Caller, note_caller
from crontopus_api.kit.database import Scope
from crontopus_api.kit.ids import uuid7

from ..platform import Person, Platform


async def _entry(platform: Platform, person: Person, at: datetime | None = None) -> None:
    async with platform.services.database.tenant(person.tenant_id) as session:
        await audit.record(
            session,
            "token.created",
            audit.SYSTEM,
            audit.Subject("token", uuid7(), "laptop"),
            at=at or datetime.now(UTC),
            tenant_id=person.tenant_id,
            after={"scopes": ["jobs:read"]},
        )


async def test_an_entry_says_who_what_and_from_where(platform: Platform, ada: Person) -> None:
    note_caller(Caller("192.0.2.7", "curl/8"))
    await _entry(platform, ada)
    async with platform.services.database.tenant(ada.tenant_id) as session:
        row = (
            await session.execute(
                text("SELECT * FROM audit_log WHERE subject_name = 'laptop' AND action = 'token.created'")
            )
        ).one()
    assert (row.address, row.agent, row.after) == ("192.0.2.7", "curl/8", {"scopes": ["jobs:read"]})


async def test_another_tenant_reads_and_writes_nothing(platform: Platform, ada: Person) -> None:
    grace = await platform.register("grace")
    await _entry(platform, ada)
    async with platform.services.database.tenant(grace.tenant_id) as session:
        seen = await session.scalars(text("SELECT tenant_id FROM audit_log WHERE tenant_id IS NOT NULL"))
        assert ada.tenant_id not in set(seen)
    with pytest.raises(DBAPIError, match="row-level security"):
        async with platform.services.database.tenant(grace.tenant_id) as session:
            await audit.record(
                session,
                "x.y",
                audit.SYSTEM,
                audit.Subject("x", "1", "x"),
                at=datetime.now(UTC),
                tenant_id=ada.tenant_id,
            )


@pytest.mark.parametrize("change", ["UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log"])
async def test_nobody_rewrites_it(platform: Platform, ada: Person, database_url: str, change: str) -> None:
    await _entry(platform, ada)
    for scope in (Scope(tenant_id=ada.tenant_id), Scope("crontopus_scanner"), Scope("crontopus_operator")):
        with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
            async with platform.services.database.session(scope) as session:
                await session.execute(text(change))
    with psycopg.connect(database_url) as owner, pytest.raises(psycopg.Error, match="append-only"):
        owner.execute(change)
    with psycopg.connect(database_url) as owner, pytest.raises(psycopg.Error, match="append-only"):
        owner.execute("TRUNCATE audit_log")


async def test_what_is_old_may_go(platform: Platform, ada: Person) -> None:
    await _entry(platform, ada, datetime.now(UTC) - timedelta(days=401))
    async with platform.services.database.session(Scope("crontopus_scanner")) as session:
        gone = await session.execute(
            text("DELETE FROM audit_log WHERE at < now() - interval '400 days' RETURNING id")
        )
        assert len(gone.all()) == 1
