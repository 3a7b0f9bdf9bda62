"""The audit log as a tenant's administrators read it, and the operators' own."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crontopus_api.kit import audit
from crontopus_api.kit.audit import Actor, Subject
from crontopus_api.kit.caller import Caller, note_caller
from crontopus_api.kit.database import Scope
from crontopus_api.kit.ids import uuid7

from ..platform import Person, Platform

ADA, BOB = Actor("user", uuid7(), "ada", uuid7()), Actor("user", uuid7(), "bob")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def write(
    platform: Platform,
    person: Person,
    action: str,
    actor: Actor = ADA,
    name: str = "laptop",
    at: datetime = NOON,
    **what: Any,
) -> None:
    async with platform.services.database.tenant(person.tenant_id) as session:
        subject = Subject(action.split(".", maxsplit=1)[0], uuid7(), name)
        await audit.record(session, action, actor, subject, at=at, tenant_id=person.tenant_id, **what)


@pytest.fixture
async def history(platform: Platform, ada: Person) -> Person:
    """Four entries, an hour apart; the last one is bob's."""
    note_caller(Caller("192.0.2.7", "curl/8"))
    await write(platform, ada, "token.created", after={"scopes": ["jobs:read"]})
    await write(platform, ada, "member.invited", name="=cmd()", at=NOON + timedelta(hours=1))
    await write(platform, ada, "token.revoked", at=NOON + timedelta(hours=2), before={"name": "laptop"})
    await write(platform, ada, "tenant.renamed", BOB, "acme", at=NOON + timedelta(hours=3))
    return ada


ACTIONS = ["tenant.renamed", "token.revoked", "member.invited", "token.created"]


async def actions(person: Person, **query: Any) -> list[str]:
    """But for the token that the person signed in with."""
    entries = (await person.get("/audit-log", **query))["items"]
    found = [entry["action"] for entry in entries if entry["subject"]["name"] != "API token"]
    return [action for action in found if action in ACTIONS]


async def test_an_entry_tells_all_of_it(history: Person) -> None:
    [entry] = (await history.get("/audit-log", action="token.created", until="2026-03-02T00:00:00Z"))["items"]
    assert entry["at"] == "2026-03-01T12:00:00.000Z"
    assert entry["actor"] == {"kind": "user", "id": str(ADA.id), "name": "ada", "token_id": str(ADA.token_id)}
    assert (entry["subject"]["kind"], entry["subject"]["name"]) == ("token", "laptop")
    assert (entry["before"], entry["after"]) == (None, {"scopes": ["jobs:read"]})
    assert (entry["address"], entry["agent"]) == ("192.0.2.7", "curl/8")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ACTIONS),
        ({"actor": "bob"}, ["tenant.renamed"]),
        ({"actor": str(BOB.id)}, ["tenant.renamed"]),
        ({"actor": "carol"}, []),
        ({"action": "token"}, ["token.revoked", "token.created"]),
        ({"action": "token.revoked"}, ["token.revoked"]),
        ({"action": "toke"}, []),
        ({"subject": "acme"}, ["tenant.renamed"]),
        ({"since": "2026-03-01T13:00:00Z", "until": "2026-03-01T15:00:00Z"}, ACTIONS[1:3]),
        ({"actor": "ada", "action": "token"}, ["token.revoked", "token.created"]),
    ],
)
async def test_filters(history: Person, query: dict[str, str], found: list[str]) -> None:
    assert await actions(history, **query) == found


async def test_pages_come_one_after_the_other(history: Person) -> None:
    seen, cursor = [], None
    while True:
        page = await history.get(
            "/audit-log", limit=1, until="2026-03-02T00:00:00Z", **({"cursor": cursor} if cursor else {})
        )
        seen += [entry["action"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ACTIONS


async def test_export_as_lines_and_as_a_spreadsheet(history: Person) -> None:
    answer = await history.api.get("/api/v1/audit-log/export?until=2026-03-02T00:00:00Z")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert [json.loads(line)["action"] for line in answer.text.splitlines()] == ACTIONS
    answer = await history.api.get(
        "/api/v1/audit-log/export?format=csv&action=member&until=2026-03-02T00:00:00Z"
    )
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-log.csv"'
    header, row = csv.reader(io.StringIO(answer.text))
    cells = dict(zip(header, row, strict=True))
    # Not run by the spreadsheet that opens it.
    assert (cells["action"], cells["subject"], cells["actor"]) == ("member.invited", "'=cmd()", "ada")


async def test_administrators_only_and_their_own_only(platform: Platform, history: Person) -> None:
    for path in ("/api/v1/audit-log", "/api/v1/audit-log/export"):
        assert (await platform.client().get(path)).status_code == 401
        body = {"name": "reader", "scopes": ["jobs:read", "runs:read"]}
        token = (await history.api.post("/api/v1/tokens", json=body)).json()["secret"]
        assert (await platform.client(token).get(path)).status_code == 403
        grace = await platform.register(f"grace-{len(path)}")
        answer = await grace.api.get(path)
        assert answer.status_code == 200
        assert "laptop" not in answer.text
    assert (await history.api.get("/api/v1/audit-log?action=Token;")).status_code == 422
    assert (await history.api.get("/api/v1/audit-log?cursor=x")).status_code == 422


async def test_entries_are_kept_for_400_days(platform: Platform, ada: Person) -> None:
    now = datetime.now(UTC)
    await write(platform, ada, "token.created", at=now - timedelta(days=401))
    await write(platform, ada, "token.revoked", at=now - timedelta(days=399))
    await platform.services.audit.remove_old()
    assert await actions(ada) == ["token.revoked"]


async def test_operators_have_a_log_of_their_own(platform: Platform, ada: Person) -> None:
    operators = platform.services.operators
    await operators.create(username="olga", password="a good password", by=Actor("system", None, "root"))
    await operators.sign_in(username="olga", password="a good password")
    await operators.disable("olga", by=Actor("system", None, "root"))
    async with platform.services.database.session(Scope("crontopus_operator")) as session:
        rows = await session.execute(
            text(
                "SELECT action, actor_kind, actor_name, subject_name FROM audit_log"
                " WHERE tenant_id IS NULL AND account_id IS NULL ORDER BY id"
            )
        )
        assert rows.all() == [
            ("operator.created", "system", "root", "olga"),
            ("operator.signed_in", "operator", "olga", "olga"),
            ("operator.disabled", "system", "root", "olga"),
        ]
    assert (await ada.get("/audit-log", action="operator"))["items"] == []
    with pytest.raises(DBAPIError, match="row-level security"):
        async with platform.services.database.tenant(ada.tenant_id) as session:
            await audit.record(
                session, "operator.created", audit.SYSTEM, Subject("operator", "1", "me"), at=NOON
            )
