"""Two tenants that are alike in everything: one row each in every table, with the same ids, names and contents.

So a query that forgets one of its tenant conditions always finds the other's row as well. Columns are filled by their
types; `ROWS` says what must be different. `calls` makes what a repository's function is called with, by the types
and names of its parameters; `ARGUMENTS` says what cannot be told from these.
"""

import inspect
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from types import UnionType
from typing import Any
from uuid import UUID, uuid5

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, CheckConstraint, Column, DateTime, Table, UniqueConstraint
from sqlalchemy.ext.asyncio import AsyncSession

from crontopus_api import models  # noqa: F401 - registers every table on Base.metadata
from crontopus_api.alerts.attempts_repository import Taken
from crontopus_api.alerts.deliveries_repository import Whose
from crontopus_api.alerts.held_repository import Judged
from crontopus_api.alerts.repository import IncidentFilter
from crontopus_api.alerts.routing.reminders_repository import Postponed
from crontopus_api.checkins.runs.repository import RunFilter
from crontopus_api.identity.audit_repository import AuditFilter
from crontopus_api.jobs.list_repository import JobFilter
from crontopus_api.kit.database import Base
from crontopus_api.kit.sql import Key

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
LATER, EARLIER = NOW + timedelta(days=1), NOW - timedelta(days=1)
ID = UUID("019a0000-0000-7000-8000-000000000001")
OLDER_ID = UUID("019a0000-0000-7000-8000-000000000000")
LAST_ID = UUID("019a0000-0000-7000-8000-000000000002")
HELD_ID = UUID("019a0000-0000-7000-8000-000000000003")
VICTIM = UUID("019a0000-0000-7000-8000-00000000000a")
INTRUDER = UUID("019a0000-0000-7000-8000-00000000000b")
WORD = "word"
_UNSAID = object()


def person(tenant: UUID) -> UUID:
    return uuid5(tenant, "person")


# (table, column): the value, or that of each tenant, where the type alone does not tell.
ROWS: dict[tuple[str, str], Any] = {
    ("audit_log", "account_id"): None,  # an entry belongs to one log
    ("endpoints", "last_seen_at"): NOW,
    ("channels", "open_until"): NOW,
    ("channels", "state"): "ready",
    ("delivery_attempts", "ok"): True,
    ("deliveries", "held"): None,
    ("deliveries", "id"): {VICTIM: OLDER_ID, INTRUDER: ID},
    ("endpoint_conditions", "type"): "Stalled",
    ("incidents", "kind"): "missed",
    ("incidents", "opened_at"): {VICTIM: LATER, INTRUDER: NOW},
    ("incidents", "parent_id"): {VICTIM: UUID(int=1), INTRUDER: None},
    ("invitations", "email"): WORD,
    ("invitations", "expires_at"): LATER,
    ("instance_status", "state"): {VICTIM: "failing", INTRUDER: "healthy"},
    ("instance_status", "usual_ms"): None,
    ("jobs", "manifest"): Jsonb(
        {
            "metadata": {"annotations": {"crontopus.dev/adopts": WORD}},
            "spec": {"alerts": {"repeatEvery": WORD}},
        }
    ),
    ("reminders", "channels"): [ID],
    ("reminders", "kind"): "snooze",
    ("runs", "state"): "success",
    ("runs", "finished_at"): {VICTIM: LATER, INTRUDER: NOW},
    ("status_changes", "claimed_at"): NOW,
    ("tokens", "kind"): "enrollment",
}
# More rows than one, of both tenants.
_ALONE = {"channel_id": None, "instance_id": None, "endpoint_id": None, "parent_id": None}
_OVER = {"channel_id": None, "state": "resolved", "resolved_at": NOW}
MORE_ROWS: dict[str, list[dict[str, Any]]] = {
    "deliveries": [
        {"id": LAST_ID, "channel": "email", "channel_id": None, "message_id": None},
        {"id": HELD_ID, "message_id": None, "held": WORD, "next_at": NOW},
    ],
    "documents": [{"path": "another", "kind": "MaintenanceWindow"}],
    "incidents": [
        # One outage has something left in the victim's world only, one in neither, one in both.
        {"id": UUID(int=1), "kind": "outage"} | _ALONE,
        {"id": UUID(int=2), "kind": "outage"} | _ALONE,
        {"id": UUID(int=3), "kind": "outage"} | _ALONE,
        {"id": UUID(int=4), "parent_id": UUID(int=3), "instance_id": OLDER_ID, "channel_id": None},
        {"id": UUID(int=8), "parent_id": ID, "instance_id": UUID(int=8), "channel_id": None},
        {"id": UUID(int=5), "flapping": True, "well_since": NOW, "endpoint_id": ID}
        | {"parent_id": None, "instance_id": LAST_ID, "channel_id": None},
        {"id": UUID(int=6), "kind": WORD} | _OVER,
        {
            "id": UUID(int=9),
            "kind": "endpoint_offline",
            "instance_id": None,
            "channel_id": None,
            "parent_id": None,
        },
        {"id": UUID(int=7), "kind": "slow"} | _OVER,
    ],
    # The victim's only: no two have the same digest.
    "tokens": [{"id": OLDER_ID, "digest": b"of a session", "kind": "session"}],
}
# What parameters of these names get everywhere.
BY_NAME: dict[str, Any] = {
    "kind": "enrollment",
    "since": EARLIER,
    "first": EARLIER.date(),
    "last": LATER.date(),
    "now": NOW,
    "labels": {},
    "seconds": 1,
}
_ATTEMPT = {
    "tenant_id": INTRUDER,
    "id": LAST_ID,
    "channel_id": ID,
    "target": WORD,
    "message_id": ID,
    "size": 1,
    "at": NOW,
    "took_ms": 1,
    "ok": True,
    "status": None,
    "response": None,
    "error": None,
}
# By function: one or more calls of it.
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "crontopus_api.alerts.channels_repository:claim_probe": [{"seen": NOW, "until": LATER}],
    "crontopus_api.alerts.deliveries_repository:get": [{"delivery_id": OLDER_ID}],
    "crontopus_api.alerts.deliveries_repository:lock": [{"delivery_id": OLDER_ID}],
    "crontopus_api.alerts.deliveries_repository:settle": [
        {"messages": {Key(INTRUDER, OLDER_ID): LAST_ID, Key(INTRUDER, ID): LAST_ID}}
    ],
    "crontopus_api.alerts.attempts_repository:note_attempt": [
        {"delivery_ids": [OLDER_ID, ID], "values": {"state": "sent"}}
    ],
    "crontopus_api.alerts.attempts_repository:recent": [{"whose": [Whose(INTRUDER, ID, WORD)]}],
    "crontopus_api.alerts.attempts_repository:taken": [
        {"messages": [Taken(_ATTEMPT, [OLDER_ID, ID], None)], "mending": True}
    ],
    "crontopus_api.alerts.deliveries_repository:waiting": [{"whose": [Whose(INTRUDER, ID, WORD)]}],
    "crontopus_api.alerts.held_repository:hold": [{"judged": [Judged(HELD_ID, LATER, "longer")]}],
    "crontopus_api.alerts.held_repository:judge_again": [{"now": EARLIER}],
    "crontopus_api.alerts.routing.reminders_repository:postpone": [{"rows": [Postponed(ID, LATER, 1)]}],
    "crontopus_api.alerts.repository:page": [{"wanted": IncidentFilter()}],
    "crontopus_api.alerts.repository:of_endpoints": [{"since": EARLIER}],
    "crontopus_api.alerts.repository:recent": [{"since": {INTRUDER: EARLIER}}],
    "crontopus_api.alerts.repository:open_of_kinds": [{"kinds": ["missed", WORD]}],
    "crontopus_api.checkins.keys.repository:add": [
        {"row": {"tenant_id": INTRUDER, "digest": b"new", "sealed": b"new", "created_at": NOW}}
    ],
    "crontopus_api.checkins.pending.repository:forget": [{"numbers": range(10)}],
    "crontopus_api.checkins.runs.repository:output": [
        {"run": type("Row", (), {"tenant_id": INTRUDER, "partition_at": NOW, "id": ID})}
    ],
    "crontopus_api.checkins.runs.repository:page": [{"wanted": RunFilter(until=LATER)}],
    "crontopus_api.checkins.runs.rollups_repository:recount": [{"day": NOW.date(), "until": LATER}],
    "crontopus_api.checkins.runs.rollups_repository:report": [{"by": "job"}],
    "crontopus_api.endpoints.repository:change": [{"values": {"name": "new"}}],
    "crontopus_api.endpoints.repository:replace_conditions": [{"rows": []}],
    "crontopus_api.identity.audit_repository:page": [{"wanted": AuditFilter()}],
    "crontopus_api.identity.repository:page_of_tokens": [{"user_id": None, "before": None}],
    "crontopus_api.identity.repository:revoke_member_tokens": [{"user_id": person(VICTIM)}],
    "crontopus_api.identity.repository:set_session_scopes": [{"user_id": person(VICTIM), "scopes": ["x"]}],
    "crontopus_api.jobs.definitions_repository:documents": [{"kind": "Policy"}],
    "crontopus_api.jobs.definitions_repository:leave_addresses": [{"wanted": [ID]}],
    "crontopus_api.jobs.documents.repository:page": [{"kind": "Policy"}, {"kind": "Policy", "after": "a"}],
    "crontopus_api.jobs.definitions_repository:put_documents": [{"rows": []}],
    "crontopus_api.jobs.definitions_repository:replace_invalid": [{"rows": []}],
    "crontopus_api.jobs.definitions_repository:set_namespaces": [{"namespaces": {WORD: False}}],
    "crontopus_api.jobs.definitions_repository:set_violations": [
        {"rows": [{"key_tenant": INTRUDER, "key_id": ID, "violations": []}]}
    ],
    "crontopus_api.jobs.intents_repository:finish": [{"values": {"state": "done"}}],
    "crontopus_api.jobs.list_repository:page": [
        {"wanted": JobFilter()},
        {"wanted": JobFilter(state="failing")},
    ],
    "crontopus_api.jobs.repository:ids_matching": [{"labels": []}],
    "crontopus_api.tenants.invitations_repository:withdraw_of": [
        {"user_id": person(VICTIM), "roles": ["owner", "admin", "editor", "viewer"]}
    ],
    "crontopus_api.tenants.invitations_repository:forget_expired": [{"now": LATER}],
    "crontopus_api.tenants.purging_repository:delete_all": [{"table": Base.metadata.tables["documents"]}],
    "crontopus_api.tenants.purging_repository:delete_some": [
        {"table": Base.metadata.tables["documents"], "most": 2}
    ],
    "crontopus_api.tenants.purging_repository:may_delete": [{"table": Base.metadata.tables["documents"]}],
    "crontopus_api.tenants.repository:delete_membership": [{"user_id": person(VICTIM)}],
    "crontopus_api.tenants.repository:get_membership": [{"user_id": person(VICTIM)}],
}


def furnish(superuser: psycopg.Connection[Any]) -> None:
    """Both tenants' rows, in every table."""
    superuser.execute("SET session_replication_role = replica")  # neither foreign keys nor triggers
    for table in Base.metadata.sorted_tables:
        for tenant in (VICTIM, INTRUDER):
            columns = [each for each in table.columns if each.identity is None and each.computed is None]
            row = {column.name: _value(table, column, tenant) for column in columns}
            _insert(superuser, table.name, row)
            for more in MORE_ROWS.get(table.name, ()):
                _insert(superuser, table.name, row | more)
    superuser.commit()


def _insert(superuser: psycopg.Connection[Any], table: str, row: Mapping[str, Any]) -> None:
    # Of what belongs to no tenant there is one row only.
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
    superuser.execute(statement, list(row.values()))


def _value(table: Table, column: Column[Any], tenant: UUID) -> Any:
    name = column.name
    if (table.name, name) in ROWS:
        said = ROWS[table.name, name]
        return said[tenant] if isinstance(said, dict) else said
    if name == "tenant_id" or (table.name, name) == ("tenants", "id"):
        return tenant
    of_person = any(key.column.table.name == "users" for key in column.foreign_keys)
    if of_person or (table.name, name) == ("users", "id"):
        return person(tenant)
    if isinstance(column.type, DateTime):
        return (LATER if name.startswith("expires") else None) if column.nullable else NOW
    return _by_type(table, column, tenant if _alone(table, column) else None)


def _by_type(table: Table, column: Column[Any], tenant: UUID | None) -> Any:
    """`tenant`: where no two rows may have the same value."""
    if isinstance(column.type, ARRAY):
        return [WORD]
    kind = column.type.__class__.__name__
    if kind in {"Text", "String"}:
        return _allowed(table, column.name) or (f"{WORD}-{tenant}" if tenant else WORD)
    values: dict[str, Any] = {
        "Uuid": uuid5(tenant, "row") if tenant else ID,
        "JSONB": Jsonb({}),
        "Integer": 1,
        "BigInteger": 1,
        "Boolean": False,
        "LargeBinary": tenant.bytes if tenant else b"bytes",
        "Date": NOW.date(),
    }
    assert kind in values, f"{table.name}.{column.name}: say in world.py what a {kind} may hold"
    return values[kind]


def _allowed(table: Table, column: str) -> str | None:
    """The first of the values that a CHECK lists."""
    for constraint in table.constraints:
        text = str(constraint.sqltext) if isinstance(constraint, CheckConstraint) else ""
        if text.startswith(f"{column} IN ("):
            return text.split("'")[1]
    return None


def _alone(table: Table, column: Column[Any]) -> bool:
    """Whether a key without the tenant is made of this column."""
    keys = [set(table.primary_key.columns.keys())]
    keys += [set(each.columns.keys()) for each in table.constraints if isinstance(each, UniqueConstraint)]
    keys += [set(index.columns.keys()) for index in table.indexes if index.unique]
    return column.name == "email" or any(column.name in key and "tenant_id" not in key for key in keys)


def calls(function: Callable[..., Any], session: AsyncSession) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """What the intruder calls it with: their own tenant, and the ids and names of both."""
    for said in ARGUMENTS.get(f"{function.__module__}:{function.__name__}", [{}]):
        hints = typing.get_type_hints(function)
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is parameter.VAR_KEYWORD:
                named |= said.get(parameter.name, {})
                continue
            value = said.get(parameter.name, _UNSAID)
            if hints[parameter.name] is AsyncSession:
                value = session
            elif value is _UNSAID:
                value = _argument(function, parameter.name, hints[parameter.name])
            if parameter.kind is parameter.KEYWORD_ONLY:
                named[parameter.name] = value
            else:
                positional.append(value)
        yield positional, named


def _argument(function: Callable[..., Any], name: str, kind: Any) -> Any:
    fixed = {
        "tenant_id": INTRUDER,
        "tenant_ids": [INTRUDER],
        "user_id": person(INTRUDER),
        "user_ids": [person(INTRUDER)],
    }
    if name in fixed:
        return fixed[name]
    if kind == Collection[Key]:
        return [Key(INTRUDER, ID)]
    if typing.get_origin(kind) in {typing.Union, UnionType} and type(None) in typing.get_args(kind):
        return None
    if name in BY_NAME:
        return BY_NAME[name]
    plain: dict[Any, Any] = {
        UUID: ID,
        str: WORD,
        int: 100,
        bool: False,
        bytes: b"bytes",
        datetime: LATER,
        date: LATER,
    }
    if kind in plain:
        return plain[kind]
    inner = typing.get_args(kind)[:1]
    if typing.get_origin(kind) in {list, set, tuple, Sequence} and inner and inner[0] in plain:
        return [plain[inner[0]]]
    message = (
        f"say in world.py, ARGUMENTS[{function.__module__}:{function.__name__}], what to call it with"
        f" for {name!r} ({kind})"
    )
    raise AssertionError(message)
